"""The operators' app: the page, health, metrics, snapshots and orders. Reads through the callables that it is given, on
the event loop where the pools live; owns no state.

    GET  /                                        a page for people; its files under /static/
    GET  /healthz                                 200: the loop turns
    GET  /readyz                                  200, or 503 with the reason; a gateway without backends is ready
    GET  /metrics                                 Prometheus text, or OpenMetrics if asked for
    GET  /api/snapshot                            {"pools": [...]}, each with its autoscaler's view
    GET  /api/scaling                             {"pools": {POOL: {"demand": ...}}}: numbers for external scalers
    GET  /api/knative                             {"pools": {POOL: ...}}: the snapshot's part about Knative
    GET  /api/requests/ID                         the receipt of one request, by its id; also shortly after its end
    GET  /api/live                                the page's frames, as server-sent events; see live.py
    POST /api/pools/POOL/backends/NAME/release    ends the backend's quarantines and ejection; see guard.py for who may
    ...  /api/admin, /api/backends, /api/tickets  orders; see admin.py

A `Host` that is none of the port's own names is answered with 421. Answers are never stored, and no page of another
origin may read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from gateway.ops import page
from gateway.ops.metrics_text import scrape
from gateway.ops.plain_json import plain
from gateway.ops.problems import problem
from gateway.ops.scaling_view import scaling_of
from gateway.ops.snapshot_json import in_pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from prometheus_client import CollectorRegistry
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from gateway.core.views.explain import Explained
    from gateway.core.views.snapshot import PoolView
    from gateway.ops.admin import Admin
    from gateway.ops.event_stream import EventStream
    from gateway.ops.guard import Guard

#: Of a host that is none of ours, which a client made up: characters that are shown.
_SHOWN = 100

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def operators_app(
    *,
    views: Callable[[], Iterable[PoolView]],
    figures: Callable[[], Iterable[PoolView]],
    scaler_views: Callable[[], Mapping[str, object]],
    registry: CollectorRegistry,
    ready: Callable[[], tuple[bool, str]],
    release: Callable[[str, str], bool],
    explain: Callable[[str], Explained | None],
    live: EventStream,
    admin: Admin,
    stale: Callable[[], Mapping[str, Sequence[str]]],
    knative: Callable[[], Mapping[str, object]],
    guard: Guard,
) -> Starlette:
    """`figures`: the views without tickets and sessions. `scaler_views`: by pool, a mapping or a dataclass of
    plain values; a pool may lack one. `knative`: the same, of what Knative says of the pool. `stale`: by pool,
    the reasons why its list of backends may be out of date. `ready`: whether the gateway is ready, and the
    reason. `explain`: the receipt of a request, by its id. `release(pool, backend)`: returns whether there was
    a quarantine to end."""
    endpoints = _Endpoints(
        views,
        figures,
        scaler_views,
        registry,
        ready,
        release,
        explain,
        live,
        admin,
        stale,
        knative,
        guard,
        page.files(),
    )
    return Starlette(
        routes=[
            Route("/", endpoints.page),
            Route("/static/{name}", endpoints.static),
            Route("/healthz", endpoints.healthz),
            Route("/readyz", endpoints.readyz),
            Route("/metrics", endpoints.metrics),
            Route("/api/snapshot", endpoints.snapshot),
            Route("/api/scaling", endpoints.scaling),
            Route("/api/knative", endpoints.of_knative),
            Route("/api/requests/{id:path}", endpoints.request),
            Route("/api/live", endpoints.show),
            Route("/api/pools/{pool:path}/backends/{backend}/release", endpoints.release_backend, methods=["POST"]),
            *admin.routes,
        ],
        middleware=[Middleware(_WithHeaders), Middleware(_AtOwnNames, guard=guard)],
    )


@dataclass(frozen=True)
class _Endpoints:
    """The endpoints. All are coroutines, though few await: Starlette would run a plain function on a thread."""

    views: Callable[[], Iterable[PoolView]]
    figures: Callable[[], Iterable[PoolView]]
    scaler_views: Callable[[], Mapping[str, object]]
    registry: CollectorRegistry
    ready: Callable[[], tuple[bool, str]]
    release: Callable[[str, str], bool]
    explain: Callable[[str], Explained | None]
    live: EventStream
    admin: Admin
    stale: Callable[[], Mapping[str, Sequence[str]]]
    knative: Callable[[], Mapping[str, object]]
    guard: Guard
    files: Mapping[str, tuple[bytes, str]]

    async def page(self, _request: Request) -> Response:
        content, kind = self.files[page.PAGE]
        return Response(content, media_type=kind, headers={"Content-Security-Policy": page.POLICY})

    async def static(self, request: Request) -> Response:
        if (found := self.files.get(request.path_params["name"])) is None:
            return PlainTextResponse("not found\n", 404)
        content, kind = found
        return Response(content, media_type=kind)

    async def healthz(self, _request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(self, _request: Request) -> Response:
        is_ready, reason = self.ready()
        return PlainTextResponse(f"{reason}\n", 200 if is_ready else 503)

    async def metrics(self, request: Request) -> Response:
        content_type, text = scrape(self.registry, request.headers.get("accept", ""))
        return StreamingResponse(text, headers={"Content-Type": content_type})

    async def snapshot(self, _request: Request) -> Response:
        views, scalers = list(self.views()), self.scaler_views()
        stale, knative = self.stale(), self.knative()
        beside: dict[str, dict[str, object]] = {
            view.name: {
                "autoscaler": scalers.get(view.name),
                "stale": stale.get(view.name, ()),
                **({"knative": knative[view.name]} if view.name in knative else {}),
            }
            for view in views
        }
        return StreamingResponse(in_pieces(views, beside), media_type="application/json")

    async def scaling(self, _request: Request) -> Response:
        return JSONResponse({"pools": scaling_of(self.figures(), self.scaler_views())})

    async def of_knative(self, _request: Request) -> Response:
        return JSONResponse({"pools": plain(self.knative())})

    async def request(self, request: Request) -> Response:
        if (explained := self.explain(request.path_params["id"])) is None:
            return problem(404, "Not known", "no request of that id waits, is at work, or has ended a moment ago")
        return JSONResponse(plain(explained))

    async def show(self, request: Request) -> Response:
        if self.live.is_full:
            return problem(503, "Too many watch", "close a page that you do not need", {"Retry-After": "5"})
        return _LiveAnswer(self.live, is_head=request.method == "HEAD")

    async def release_backend(self, request: Request) -> Response:
        pool, backend = request.path_params["pool"], request.path_params["backend"]
        if self.admin.is_on and (refusal := self.admin.refusal(request)) is not None:
            return refusal
        if not self.guard.is_allowed(request.headers):
            own = "an IP address, localhost, or a name of ops.hosts"
            return problem(403, "Not from here", f"send X-Requested-With; a page may ask from {own}")
        if not self.release(pool, backend):
            return problem(
                404,
                "Nothing to release",
                "no such pool or backend, or it is not ejected and none of its slots is quarantined",
            )
        structlog.get_logger().info("quarantine_released", pool=pool, backend=backend)
        return JSONResponse({"pool": pool, "backend": backend, "released": True})


class _LiveAnswer(Response):
    """An event stream, which ends when its viewer leaves or the gateway stops."""

    def __init__(self, live: EventStream, *, is_head: bool) -> None:
        super().__init__()
        self._live = live
        self._is_head = is_head

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await (self._live.head(send) if self._is_head else self._live.show(receive, send))


class _WithHeaders:
    """Puts `_HEADERS` on every answer of the app inside it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class _AtOwnNames:
    """Answers 421 (RFC 9110 15.5.20) where a request is for a host that is none of the port's own names."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        told = Headers(scope=scope).get("host")
        if told is None or self._guard.knows(told):
            await self._app(scope, receive, send)
            return
        host = told[:_SHOWN]
        structlog.get_logger().warning(
            "operators_host_unknown",
            host=host,
            do="if it is a name of this gateway, add it to ops.hosts; else a page tries to read the operators' port",
        )
        detail = f"{host!r} is neither an IP address nor localhost. If it is a name of this port, add it to ops.hosts."
        await problem(421, "Not at this name", detail)(scope, receive, send)
