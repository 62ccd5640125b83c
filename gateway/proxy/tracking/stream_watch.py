"""Watches a stream that tells the ends of jobs, on its way to the client.

If the client leaves while a job is at work whose end would be told here, the gateway reads on in its place: nobody else
could know when the pod is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from gateway.proxy.tracking.overheard import OverheardExchange, uncompressed
from gateway.upstream.errors import UpstreamError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.dialogues.dialogue import Ear
    from gateway.proxy.exchange import Exchange
    from gateway.upstream.head import AnswerHead
    from gateway.upstream.request import UpstreamRequest


class StreamWatch:
    """One turn: `prepare` its request, `hear` its exchange, relay that, then `run`; `close` in any case. Listens to
    its own exchange."""

    outlives_answer = False  # its own turn ends with its answer

    def __init__(self, ear: Ear, total: float, found: Callable[[str], None]) -> None:
        """`total`: seconds that the stream is read on, at most, without its client. `found` is told each file that the
        backend says it has."""
        self._ear = ear
        self._found = found
        self._total = total
        self._streams = False  # the answer's head has come, and was 200
        self._exchange: OverheardExchange | None = None
        self._scope = anyio.CancelScope()

    def prepare(self, request: UpstreamRequest) -> None:
        """Its answer is to be read here, too."""
        request.headers = uncompressed(request.headers)

    def hear(self, exchange: Exchange) -> Exchange:
        """The same exchange, overheard."""
        self._exchange = OverheardExchange(exchange, self)
        return self._exchange

    def keep_until(self, told: anyio.Event) -> None:
        """It holds no slot."""

    def stop(self) -> None:
        """The gateway's grace is over."""
        self._scope.cancel()

    async def run(self) -> None:
        """Read on for as long as that matters to a job."""
        exchange = self._exchange
        if exchange is None or not exchange.is_open:
            return
        with self._scope, anyio.move_on_after(self._total):
            try:
                while self._ear.wanted and not exchange.ended:
                    await exchange.read()
            except UpstreamError:
                return

    def close(self) -> None:
        """The exchange is over."""
        if self._exchange is not None:
            self._exchange.close_now()

    # What it hears

    def heard_head(self, head: AnswerHead) -> None:
        self._streams = head.status == 200

    def heard(self, piece: bytes) -> None:
        if self._streams:
            for file in self._ear.heard(piece):
                self._found(file)

    @property
    def wants_more(self) -> bool:
        return self._streams and self._ear.wanted
