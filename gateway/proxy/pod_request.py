"""The request as a backend is sent it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import structlog

from gateway.proxy.headers.host_rewrite import named_by_address
from gateway.proxy.headers.passed_on import request_headers
from gateway.upstream.request import UpstreamRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.proxy.context import RequestContext
    from gateway.proxy.headers.forwarded import Header
    from gateway.proxy.pool.served_pool import ServedPool

#: Characters that the log shows of names that were dropped: clients choose them.
_SHOWN = 200

#: Of Traefik's making, and read by many applications that are served below a prefix.
_PREFIX = b"x-forwarded-prefix"


def headers_for(context: RequestContext, pool: ServedPool) -> list[Header]:
    """Headers for the backend; the same for each turn, so they are made before one comes."""
    kept_back = context.kept_back
    brought = [each for each in context.headers if each not in kept_back] if kept_back else context.headers
    dropped: list[bytes] = []
    headers = request_headers(
        brought,
        context.origin,
        request_id=context.record.request_id.encode(),
        session_cookie=pool.cookies.name,
        dropped=dropped,
    )
    if dropped and not context.origin.trusted:  # an ingress of Knative's sends some with each request
        _warn_of_dropped(dropped, context)
    headers += pool.rules.pod_headers.of(context.record.lane)
    return _with_prefix(headers, context.stripped) if context.stripped else headers


def _warn_of_dropped(names: list[bytes], context: RequestContext) -> None:
    structlog.get_logger().warning(
        "headers_dropped",
        names=b", ".join(dict.fromkeys(names))[:_SHOWN].decode("latin-1"),
        request_id=context.record.request_id,
        peer=context.origin.peer,
        reason="not this peer's to say",
        do="nothing, if it is a stranger; if it is a proxy of yours, name its network in trusted_proxies",
    )


def _with_prefix(headers: list[Header], stripped: str) -> list[Header]:
    """What was taken off the path is told, behind what a trusted proxy in front took off it."""
    before = next((value.rstrip(b"/") for name, value in headers if name == _PREFIX), b"")
    others = [header for header in headers if header[0] != _PREFIX]
    return [*others, (_PREFIX, before + quote(stripped).encode())]


def request_of(
    context: RequestContext,
    pool: ServedPool,
    headers: list[Header],
    content: bytes | AsyncIterator[bytes] | None,
    *,
    reusable: bool,
) -> UpstreamRequest:
    """The request for the backend. `reusable`: it may ride on a connection that carried another."""
    if pool.profile.own_host and context.slot is not None:
        headers = named_by_address(headers, context.origin, pool.rules.allowed_origins, context.slot.backend.address)
    if context.trace is not None and context.slot is not None:
        headers = context.trace.dials(context.slot.backend.name, headers)
    upgrade = b"websocket" if context.client.websocket else None
    method, length = context.method.encode(), context.request_body.length
    return UpstreamRequest(method, context.target, headers, content, length, reusable=reusable, upgrade=upgrade)
