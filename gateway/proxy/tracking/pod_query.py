"""Small GETs of the gateway's own to a pod, bounded in time and in what is kept of their answers. Never fails: no
answer is an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from gateway.core.records.lanes import Lane
from gateway.core.records.listed import BackendState
from gateway.dialogues.dialogue import Reply
from gateway.upstream.errors import NotSent, UpstreamError
from gateway.upstream.request import UpstreamRequest

if TYPE_CHECKING:
    from gateway.core.records.backends_and_tickets import Backend
    from gateway.proxy.exchange import Upstream
    from gateway.proxy.headers.forwarded import Header

#: Seconds for one answer. A pod whose Python is busy with the GPU may take a few.
_PATIENCE = 10.0


class PodQuery:
    """One backend of one pool. Is a `dialogues.dialogue.Pod`."""

    def __init__(self, upstream: Upstream, backend: Backend, headers: tuple[Header, ...] = (), root: str = "") -> None:
        """`headers`: what the pool tells its backends besides, on requests without a slot. `root`: what all targets
        lie below."""
        self._upstream = upstream
        self._backend = backend
        self._headers = headers
        self._root = root
        self._refused = False  # the last time it was asked

    @property
    def gone(self) -> bool:
        """Its process has ended; or it is listed no longer, and nobody answers at its address."""
        backend = self._backend
        return backend.state is BackendState.GONE or (self._refused and not backend.listed)

    async def get(self, target: str, most: int) -> Reply | None:
        """At most `most` bytes, and then the rest is not waited for."""
        address = self._backend.address_for(Lane.EXEMPT)  # not behind the very work that it is asked about
        headers = [(b"host", address.encode()), *self._headers]
        request = UpstreamRequest(b"GET", (self._root + target).encode(), headers, reusable=True)
        try:
            with anyio.move_on_after(_PATIENCE):
                return await self._ask(address, request, most)
        except NotSent:
            self._refused = True
        except UpstreamError:
            self._refused = False
        return None

    async def _ask(self, address: str, request: UpstreamRequest, most: int) -> Reply:
        exchange = await self._upstream.send(address, request)
        self._refused = False
        try:
            head = await exchange.head()
            body = bytearray()
            while not exchange.ended and len(body) <= most:
                body += await exchange.read()
            return Reply(head.status, bytes(body[:most]), len(body) <= most)
        finally:
            exchange.close()
