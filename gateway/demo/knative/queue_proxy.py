"""A stand-in for Knative's queue-proxy in front of one pod: an ASGI application that answers probes, lets so many
requests through, keeps so many waiting, refuses the rest, and drains. It says that it is a stand-in in `X-Stand-In`.

As pkg/queue/sharedmain of Knative Serving, outermost first: probes, `K-Kubelet-Probe`, breaker, the container.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import anyio
import httpx
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from gateway.demo.knative.breaker import Breaker, QueueFull
from gateway.demo.knative.counting import PodStatistics, RequestCounting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from typing import Any

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

#: User agents that make a request a health check, whatever its path.
_PROBES = ("kube-probe/", "Knative-Activator-Probe", "Knative-Autoscaling-Probe")

#: Not handed on to the container: of one hop, or only for the queue-proxy.
_NOT_FORWARDED = frozenset(
    (
        "connection",
        "host",
        "k-original-host",
        "keep-alive",
        "knative-serving-namespace",
        "knative-serving-revision",
        "te",
        "transfer-encoding",
        "upgrade",
    )
)

_STAND_IN = {"X-Stand-In": "queue-proxy"}


class QueueProxyStandIn:
    """In front of the container at `container` ("http://127.0.0.1:PORT"), with `limit` as its containerConcurrency."""

    def __init__(self, container: str, client: httpx.AsyncClient, limit: int = 1) -> None:
        """`client` sends to the container: to be made without a time limit, closed by who made it."""
        self._container = container
        self._client = client
        self._breaker = Breaker(limit)
        self._counting = RequestCounting()
        self.draining = False  # SIGTERM has come: probes fail, requests are served
        self.probes = 0
        self.last_arrival = 0.0  # on anyio's clock: of any request that is not a health check

    @property
    def here(self) -> int:
        """Requests at work and waiting."""
        return self._breaker.here

    def take_statistics(self) -> PodStatistics:
        """What the autoscaler would scrape, since this was asked last."""
        return self._counting.take()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request. If its client leaves it is given up, wherever it is, as Go's servers do."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        response = await self._probed(request)
        if response is not None:
            await response(scope, receive, send)
            return
        self.last_arrival = anyio.current_time()
        body = await request.body()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_until_left, receive, tasks.cancel_scope.cancel)
            if request.headers.get("k-kubelet-probe"):  # no breaker, no statistics: how exempt requests may pass
                await self._forward(request, body, send)
            else:
                await self._counted(request, body, send)
            tasks.cancel_scope.cancel()

    async def _probed(self, request: Request) -> Response | None:
        asked = request.headers.get("k-network-probe", "")
        if request.headers.get("user-agent", "").startswith(_PROBES):
            self.probes += 1
            return await self._health(asked)
        if asked == "probe":
            return self._network_probe(request.headers.get("k-network-hash", ""))
        return None

    async def _health(self, asked: str) -> Response:
        if self.draining:
            return _text(503, "shutting down")
        if asked != "queue":
            return _text(400, f"unexpected probe header value: {asked}")
        return _text(200, "queue") if await self._container_answers() else _text(503, "")

    def _network_probe(self, its_hash: str) -> Response:
        if not its_hash:
            return _text(400, "a probe request must contain a non-empty K-Network-Hash header")
        if self.draining:
            return _text(503, "shutting down")
        return Response(status_code=200, headers={"K-Network-Hash": its_hash, **_STAND_IN})

    async def _container_answers(self) -> bool:
        """The readiness probe of a container without one of its own: its port is open."""
        host, _, port = self._container.removeprefix("http://").rpartition(":")
        try:
            stream = await anyio.connect_tcp(host, int(port))
        except OSError:
            return False
        await stream.aclose()
        return True

    async def _counted(self, request: Request, body: bytes, send: Send) -> None:
        proxied = request.headers.get("k-proxy-request") == "activator"
        self._counting.enters(proxied=proxied)
        try:
            async with self._breaker.turn():
                await self._forward(request, body, send)
        except QueueFull:
            await _answer(send, 503, "pending request queue full\n")
        finally:
            self._counting.leaves(proxied=proxied)

    async def _forward(self, request: Request, body: bytes, send: Send) -> None:
        headers = [(name, value) for name, value in request.headers.items() if name not in _NOT_FORWARDED]
        host = request.headers.get("k-original-host") or request.headers.get("host", "")
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        forwarded = self._client.build_request(
            request.method, self._container + target, headers=[*headers, ("host", host)], content=body
        )
        try:
            answer = await self._client.send(forwarded, stream=True)
        except httpx.TransportError as error:
            await _answer(send, 502, self._as_go_says(error))
            return
        async with aclosing(answer):
            await _pass_on(answer, send)

    def _as_go_says(self, error: httpx.TransportError) -> str:
        if isinstance(error, httpx.ConnectError):
            port = self._container.rpartition(":")[2]  # a real one shares the container's loopback address
            return f"dial tcp 127.0.0.1:{port}: connect: connection refused\n"
        return "EOF\n"


async def _until_left(receive: Receive, left: Callable[[], None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    left()


async def _pass_on(answer: httpx.Response, send: Send) -> None:
    kept = [(name.lower(), value) for name, value in answer.headers.raw if name.lower().decode() not in _NOT_FORWARDED]
    await send(
        {
            "type": "http.response.start",
            "status": answer.status_code,
            "headers": [*kept, (b"x-stand-in", b"queue-proxy")],
        }
    )
    async for piece in answer.aiter_raw():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _answer(send: Send, status: int, text: str) -> None:
    response = _text(status, text)
    await send({"type": "http.response.start", "status": status, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": False})


def _text(status: int, text: str) -> PlainTextResponse:
    return PlainTextResponse(text, status, headers=_STAND_IN)
