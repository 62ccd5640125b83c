"""Tells a backend to give up its work when the client that wanted it is gone for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import structlog

from gateway.proxy.tracking.job_orders import ORDER_TIMEOUT
from gateway.upstream.errors import UpstreamError
from gateway.upstream.request import UpstreamRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.proxy.pool.served_pool import ServedPool


def interrupt(
    pool: ServedPool, address: str, spawn: Callable[[str, Callable[[], Awaitable[None]]], None]
) -> anyio.Event:
    """Begins to. The event is set when the backend knows, or cannot be told."""
    over = anyio.Event()
    if (how := pool.profile.interrupt) is None:
        over.set()
        return over
    headers = [(b"host", address.encode()), *pool.rules.pod_headers.uncounted]
    request = UpstreamRequest(how.method.encode(), how.path.encode(), headers, b"")

    async def tell() -> None:
        try:
            with anyio.fail_after(ORDER_TIMEOUT):
                exchange = await pool.upstream.send(address, request)
                try:
                    await exchange.head()
                finally:
                    exchange.close()
        except (UpstreamError, TimeoutError) as error:
            structlog.get_logger().warning(
                "interrupt_failed",
                pool=pool.name,
                error=str(error),
                do="nothing, if it is rare: the pod works on to its end, and its slot is kept until then",
            )
        finally:
            over.set()

    spawn("interrupt", tell)
    return over
