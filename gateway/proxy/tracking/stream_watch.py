"""A stream on which the ends of jobs are told, overheard on its way to the client.

If the client leaves while a job is at work whose end would be told here, the gateway reads on in its place: nobody else
could know when the pod is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from gateway.upstream.errors import UpstreamError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from gateway.dialogues.dialogue import Ear
    from gateway.proxy.served_pool import Exchange
    from gateway.upstream.head import AnswerHead
    from gateway.upstream.request import UpstreamRequest


class StreamWatch:
    """One turn: `prepare` its request, `hear` its exchange, relay that, then `run`; `close` in any case."""

    goes_on = False  # its own turn ends with its answer

    def __init__(self, ear: Ear, total: float, has: Callable[[str], None]) -> None:
        """`total`: seconds that the stream is read on, at most, without its client. `has` is told each file that the
        backend says it has."""
        self._ear = ear
        self._has = has
        self._total = total
        self._heard: _Overheard | None = None
        self._scope = anyio.CancelScope()

    def prepare(self, request: UpstreamRequest) -> None:
        """It is to be read here, too: it must not be compressed."""
        request.headers = [header for header in request.headers if header[0] != b"accept-encoding"]

    def hear(self, exchange: Exchange) -> Exchange:
        """The same exchange, overheard."""
        self._heard = _Overheard(exchange, self._ear, self._has)
        return self._heard

    def keep_until(self, told: anyio.Event) -> None:
        """It holds no slot."""

    def stop(self) -> None:
        """The gateway's grace is over."""
        self._scope.cancel()

    async def run(self) -> None:
        """Read on for as long as that matters to a job."""
        heard = self._heard
        if heard is None or not heard.is_open:
            return
        with self._scope, anyio.move_on_after(self._total):
            try:
                while self._ear.wanted and not heard.ended:
                    await heard.read()
            except UpstreamError:
                return

    def close(self) -> None:
        """The exchange is over."""
        if self._heard is not None:
            self._heard.close_now()


class _Overheard:
    """An exchange whose body an ear hears. Is an `Exchange`. Closing it leaves it open while the ear is wanted."""

    def __init__(self, exchange: Exchange, ear: Ear, has: Callable[[str], None]) -> None:
        self.reused = exchange.reused
        self.is_open = True
        self._exchange = exchange
        self._ear = ear
        self._has = has
        self._streams = False  # its head has come, and was 200

    @property
    def ready(self) -> bool:
        return self._exchange.ready

    @property
    def ended(self) -> bool:
        return self._exchange.ended

    async def head(self) -> AnswerHead:
        head = await self._exchange.head()
        self._streams = head.status == 200
        return head

    def when_whole(self, call: Callable[[AnswerHead], None]) -> None:
        self._exchange.when_whole(call)

    async def read(self) -> bytes:
        return self._told(await self._exchange.read())

    async def pour(self, sink: Callable[[bytes], bool]) -> None:
        await self._exchange.pour(lambda piece: sink(self._told(piece)))

    def _told(self, piece: bytes) -> bytes:
        if self._streams:
            for file in self._ear.heard(piece):
                self._has(file)
        return piece

    def switch(self, tunnel: asyncio.Protocol) -> tuple[asyncio.Transport, bytes]:
        return self._exchange.switch(tunnel)

    def finish(self) -> None:
        self._exchange.finish()

    def close(self) -> None:
        if not (self._streams and self._ear.wanted) or self._exchange.ended:
            self.close_now()

    def close_now(self) -> None:
        """Whoever wants it."""
        self.is_open = False
        self._exchange.close()
