"""A request's beginning: its id, its origin, its record and its trace, from what the listening side tells of it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import structlog

from gateway.core.views.record import RequestRecord
from gateway.proxy.body.request_body import RequestBody
from gateway.proxy.client_answer import ClientAnswer
from gateway.proxy.context import RequestContext

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from gateway.proxy.headers.forwarded import TrustedProxies
    from gateway.proxy.traced import Tracer

    Message = MutableMapping[str, Any]


_SAY_WHO_ASKS = frozenset((b"x-forwarded-for", b"x-forwarded-proto", b"forwarded"))


class Arrivals:
    """The arrivals of one endpoint. `trusted` and `tracer` may be replaced: requests that come later see the new
    ones."""

    def __init__(self, trusted: TrustedProxies, id_prefix: str, clock: Callable[[], float]) -> None:
        self.trusted = trusted
        self._warns = True  # of a proxy that is not trusted: once, for anybody may send what it sends
        self.tracer: Tracer | None = None
        self._ids = (f"{id_prefix}{number:08x}" for number in itertools.count(1))
        self._clock = clock

    def new_id(self) -> str:
        """A request id that no other request has, of this process or another."""
        return next(self._ids)

    def _warn_of_proxy(self, peer: str) -> None:
        self._warns = False
        structlog.get_logger().warning(
            "proxy_not_trusted",
            peer=peer,
            means="its X-Forwarded-* do not count: all its clients are one address here, and asked by http",
            do="if it is a proxy of yours, name its network in trusted_proxies; said once",
        )

    def context(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> RequestContext:
        """The context of a request that an ASGI server hands over. Nothing of its body has been read."""
        peer = scope["client"][0] if scope["client"] else "unknown"
        origin = self.trusted.origin(scope["headers"], peer, scope["scheme"])
        if not origin.trusted and self._warns and any(name in _SAY_WHO_ASKS for name, _ in scope["headers"]):
            self._warn_of_proxy(peer)
        client = scope["extensions"]["gateway.client"]
        record = RequestRecord(
            request_id=origin.request_id.decode() if origin.request_id else self.new_id(),
            client=origin.client,
            method=scope["method"],
            target=client.target,
            host=origin.host.decode("latin-1"),
            started_at=self._clock(),
        )
        request_body = RequestBody(receive, scope["headers"], client)
        context = RequestContext(scope, client=client, origin=origin, request_body=request_body, record=record)
        context.listener = client
        context.answer = ClientAnswer(context, send)
        if self.tracer is not None:
            context.trace = self.tracer(context.headers, record, origin.scheme)
        return context
