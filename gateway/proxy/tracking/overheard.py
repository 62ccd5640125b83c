"""An exchange that a listener hears on its way to the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from gateway.proxy.exchange import Exchange
    from gateway.upstream.head import AnswerHead


class Listener(Protocol):
    """The one who hears an exchange."""

    def heard_head(self, head: AnswerHead) -> None:
        """The answer's head has come."""

    def heard(self, piece: bytes) -> None:
        """A piece of the answer's body."""

    @property
    def wants_more(self) -> bool:
        """The exchange is to stay open though the client's part is over."""


class OverheardExchange:
    """Is an `Exchange`. Closing it leaves it open while the listener wants more; `close_now` does not."""

    def __init__(self, exchange: Exchange, listener: Listener) -> None:
        self.reused = exchange.reused
        self.is_open = True
        self._exchange = exchange
        self._listener = listener

    @property
    def ready(self) -> bool:
        return self._exchange.ready

    @property
    def ended(self) -> bool:
        return self._exchange.ended

    async def head(self) -> AnswerHead:
        head = await self._exchange.head()
        self._listener.heard_head(head)
        return head

    def when_hinted(self, call: Callable[[AnswerHead], None]) -> None:
        self._exchange.when_hinted(call)

    def when_whole(self, call: Callable[[AnswerHead], None]) -> None:
        self._exchange.when_whole(call)

    async def read(self) -> bytes:
        piece = await self._exchange.read()
        self._listener.heard(piece)
        return piece

    async def pour(self, sink: Callable[[bytes], bool]) -> None:
        def hear_and_sink(piece: bytes) -> bool:
            self._listener.heard(piece)
            return sink(piece)

        await self._exchange.pour(hear_and_sink)

    def switch(self, tunnel: asyncio.Protocol) -> tuple[asyncio.Transport, bytes]:
        return self._exchange.switch(tunnel)

    def finish(self) -> None:
        self._exchange.finish()

    def close(self) -> None:
        if self._exchange.ended or not self._listener.wants_more:
            self.close_now()

    def close_now(self) -> None:
        """Closes it, whether or not the listener wants more."""
        self.is_open = False
        self._exchange.close()


def uncompressed(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Headers of a request whose answer is to be read here, too: it must not be compressed."""
    return [header for header in headers if header[0] != b"accept-encoding"]
