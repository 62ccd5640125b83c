"""The protocols of the data path's client: a request sent to a backend, and its answer as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from gateway.upstream.head import AnswerHead
    from gateway.upstream.request import UpstreamRequest


class Exchange(Protocol):
    """One request to a backend and its answer; `upstream.exchange.Exchange` is one."""

    reused: bool  # on a connection that had carried another request

    @property
    def ready(self) -> bool:
        """`read` would not wait."""

    @property
    def ended(self) -> bool:
        """The piece that `read` gave last was the last one."""

    async def head(self) -> AnswerHead: ...

    def when_hinted(self, call: Callable[[AnswerHead], None]) -> None:
        """Call this with each 103's head before the final one, in the same turn of the loop; at once with those that
        have come. They are bounded."""

    def when_whole(self, call: Callable[[AnswerHead], None]) -> None:
        """Call this with the head when the answer has come whole, in the same turn of the loop; at once if it has."""

    async def read(self) -> bytes: ...

    async def pour(self, sink: Callable[[bytes], bool]) -> None:
        """Hand the body to `sink` as it comes, in the same turn of the loop, until that returns False. The last piece
        is left to `read`."""

    def switch(self, tunnel: asyncio.Protocol) -> tuple[asyncio.Transport, bytes]:
        """After a 101: from here on `tunnel` hears what happens on the connection. Returns the transport, with reading
        paused, and what came behind the head. The transport is not to be closed: `finish` and `close` end it. Raises
        UpstreamError if it has ended."""

    def finish(self) -> None:
        """End the tunnel when the backend has taken what is unsent."""

    def close(self) -> None: ...


class Upstream(Protocol):
    """Sends requests to backends; `upstream.dialer.Dialer` is one."""

    async def send(self, address: str, request: UpstreamRequest) -> Exchange: ...

    def send_at_once(self, address: str, request: UpstreamRequest) -> Exchange | None:
        """As `send`, if it needs no waiting; else None."""

    def dial_ahead(self, address: str) -> None:
        """Another request will soon be sent there."""
