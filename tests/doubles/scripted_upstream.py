"""Backends behind the endpoint, in the place of `upstream.dialer.Dialer`: each request meets the next script, and
without one hangs until the test goes on by hand."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from gateway.upstream.errors import BadAnswer, BrokeBeforeHead, CutShort, NotSent, UpstreamError
from gateway.upstream.head import AnswerHead
from tests.doubles.tunnel_end import TunnelEnd

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

    from gateway.upstream.request import UpstreamRequest


class ScriptedExchange:
    """One request and its answer, as `upstream.exchange.Exchange`: what comes before an error is handed out first."""

    def __init__(self, address: str, request: UpstreamRequest) -> None:
        self.address = address
        self.request = request
        self.received = b""  # of the request's body
        self.reused = False
        self.closed = False
        self.finished = False
        self.end = TunnelEnd()  # its own, once it has switched
        self._head: AnswerHead | None = None
        self._unread: list[bytes] = []
        self._complete = False
        self._error: Exception | None = None
        self._sink: Callable[[bytes], bool] | None = None
        self._when_hinted: Callable[[AnswerHead], None] | None = None
        self._when_whole: Callable[[AnswerHead], None] | None = None
        self._changed = anyio.Event()

    # The backend's side

    @property
    def broken(self) -> bool:
        """The gateway gave it up before its end."""
        return self.closed and not self.ended

    def header(self, name: str) -> bytes | None:
        """Of the request; the first of that name."""
        return next((value for key, value in self.request.headers if key == name.encode()), None)

    def hints(self, *headers: tuple[bytes, bytes]) -> None:
        """A head of 103."""
        assert self._when_hinted is not None, "nobody listens"
        self._when_hinted(AnswerHead(103, b"Early Hints", list(headers), "1.1", 0))

    def begins(
        self, status: int = 200, headers: Iterable[tuple[bytes, bytes]] = (), *, length: int | None = None
    ) -> None:
        """The answer's head."""
        self._take_head(status, headers, length)
        self._complete = length == 0
        self._tell_if_whole()
        self._wake()

    def gives(self, *pieces: bytes) -> None:
        """Some of the answer's body."""
        self._unread += pieces
        if self._sink is not None:
            self._pour_out()
        if self._sink is None:
            self._wake()

    def ends(self) -> None:
        """That was all."""
        self._complete = True
        self._tell_if_whole()
        self._wake()

    def answers(self, body: bytes = b"", status: int = 200, *headers: tuple[bytes, bytes]) -> None:
        """A whole answer at once."""
        self._take_head(status, headers, len(body))
        self._unread += [body] if body else []
        self.ends()

    def fails(self, error: type[UpstreamError]) -> None:
        """From here on the exchange has failed."""
        self._error = error(self.address, "as scripted")
        self._wake()

    def breaks_off(self) -> None:
        """The connection is closed."""
        self.fails(BrokeBeforeHead if self._head is None else CutShort)

    def crashes(self) -> None:
        """The gateway has a defect, and here it shows."""
        self._error = RuntimeError("a defect")
        self._wake()

    # The gateway's side

    @property
    def ready(self) -> bool:
        """`read` would not wait."""
        return bool(self._unread) or self._complete

    @property
    def ended(self) -> bool:
        """All was read."""
        return self._complete and not self._unread

    async def head(self) -> AnswerHead:
        """Reads the request's body first, as most backends do. Raises what that raises."""
        if isinstance(self.request.body, AsyncIterator):
            async for piece in self.request.body:
                self.received += piece
        elif self.request.body:
            self.received = self.request.body
        while self._head is None:
            await self._news()
        return self._head

    def when_hinted(self, call: Callable[[AnswerHead], None]) -> None:
        """Whom to tell."""
        self._when_hinted = call

    def when_whole(self, call: Callable[[AnswerHead], None]) -> None:
        """Whom to tell."""
        self._when_whole = call
        self._tell_if_whole()

    def _tell_if_whole(self) -> None:
        call = self._when_whole
        if self._complete and self._head is not None and call is not None:
            self._when_hinted = self._when_whole = None
            call(self._head)

    async def read(self) -> bytes:
        """All that has come."""
        while not self._unread:
            if self._complete:
                return b""
            await self._news()
        piece = b"".join(self._unread)
        self._unread.clear()
        return piece

    async def pour(self, sink: Callable[[bytes], bool]) -> None:
        """Hands out what comes, as it comes, but for the last piece."""
        self._sink = sink
        try:
            while self._sink is not None and not self._complete:
                if self._unread:
                    self._pour_out()
                else:
                    await self._news()
        finally:
            self._sink = None

    def _take_head(self, status: int, headers: Iterable[tuple[bytes, bytes]], length: int | None) -> None:
        framing = [] if length is None else [(b"content-length", b"%d" % length)]
        self._head = AnswerHead(status, b"", [*framing, *headers], "1.1", length)

    def _pour_out(self) -> None:
        piece = b"".join(self._unread)
        self._unread.clear()
        if self._sink is not None and not self._sink(piece):
            self._sink = None

    def switch(self, tunnel: asyncio.Protocol) -> tuple[asyncio.Transport, bytes]:
        """The connection is the tunnel's."""
        if self.end.is_lost:
            raise CutShort(self.address, "as scripted")
        return self.end.join(tunnel)

    def finish(self) -> None:
        """The tunnel came to its end."""
        self.finished = True

    def close(self) -> None:
        """Given up, or done."""
        self.closed = True
        self._when_whole = None

    async def _news(self) -> None:
        if self._error is not None:
            raise self._error
        await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


Script = Callable[[ScriptedExchange], Awaitable[None]]


class ScriptedUpstream:
    """Satisfies `proxy.served_pool.Upstream`."""

    def __init__(self) -> None:
        self.when_asked: Callable[[], object] = lambda: None  # looks around at that very moment
        self.exchanges: list[ScriptedExchange] = []  # those that were written to
        self.asked: list[str] = []  # addresses, whether they took it or not
        self.dialled_ahead: list[str] = []
        self.spares: list[str] = []  # addresses to which a connection is open that nothing was written to; see scripts
        self.otherwise: Script = hanging  # what requests meet that no script was meant for
        self._scripts: deque[Script] = deque()

    def meets(self, *scripts: Script) -> None:
        """What becomes of the next requests, in order."""
        self._scripts.extend(scripts)

    async def send(self, address: str, request: UpstreamRequest) -> ScriptedExchange:
        """Raises NotSent if the script says so."""
        request.encode()
        self.asked.append(address)
        self.when_asked()
        exchange = ScriptedExchange(address, request)
        await anyio.lowlevel.checkpoint()
        await (self._scripts.popleft() if self._scripts else self.otherwise)(exchange)
        self.exchanges.append(exchange)
        return exchange

    def send_at_once(self, address: str, request: UpstreamRequest) -> ScriptedExchange | None:
        """If a spare connection is there."""
        request.encode()
        if address not in self.spares:
            return None
        self.spares.remove(address)
        self.asked.append(address)
        self.when_asked()
        exchange = ScriptedExchange(address, request)
        self.exchanges.append(exchange)
        return exchange

    def dial_ahead(self, address: str) -> None:
        """Nothing but a note of it."""
        self.dialled_ahead.append(address)


# Scripts


def answering(body: bytes = b"", status: int = 200, *headers: tuple[bytes, bytes]) -> Script:
    """A whole answer at once."""

    async def script(exchange: ScriptedExchange) -> None:
        exchange.answers(body, status, *headers)

    return script


async def hanging(exchange: ScriptedExchange) -> None:
    """The test goes on by hand."""


def after(event: anyio.Event, script: Script) -> Script:
    """It takes that long to get a connection."""

    async def late(exchange: ScriptedExchange) -> None:
        await event.wait()
        await script(exchange)

    return late


async def refusing(exchange: ScriptedExchange) -> None:
    """No byte is written."""
    raise NotSent(exchange.address, "Connection refused")


async def crashing(exchange: ScriptedExchange) -> None:
    """The gateway has a defect, and it shows when the answer is waited for."""
    exchange.crashes()


async def breaking_off(exchange: ScriptedExchange) -> None:
    """The connection ends without a byte of answer."""
    exchange.breaks_off()


async def closing_when_reused(exchange: ScriptedExchange) -> None:
    """It was closing the idle connection that the request came by."""
    exchange.reused = True
    exchange.breaks_off()


async def talking_nonsense(exchange: ScriptedExchange) -> None:
    """What comes is not HTTP."""
    exchange.fails(BadAnswer)


async def queue_full(exchange: ScriptedExchange) -> None:
    """Knative's queue-proxy has put nothing into the pod."""
    exchange.answers(b"pending request queue full\n", 503)
