"""One request on one connection, and its answer.

The head and a small body have been written when the caller gets the exchange. A task of the exchange sends the
rest of a body, so that an early answer can be read meanwhile. The connection is released when the answer has
come whole, or at the first error, without awaiting anything. If the request was still going out, the connection
is broken: a request that was not finished never looks finished.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.upstream.answer import Answer
from gateway.upstream.errors import BadAnswer, CutShort, UpstreamError, WrongLength
from gateway.upstream.upload import has_rest, send_rest

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.upstream.connection import Connection
    from gateway.upstream.head import AnswerHead
    from gateway.upstream.request import UpstreamRequest

#: Bytes of body that may wait for the reader before no more is read from the connection.
MAX_UNREAD = 64 * 1024


class Exchange:
    """One request and its answer. Has one reader at a time, who calls `close` in a `finally`.

    What arrived before an error is handed out first; then every call raises the error.
    """

    __slots__ = (
        "_address",
        "_answer",
        "_connection",
        "_error",
        "_paused",
        "_request_whole",
        "_reusable",
        "_sink",
        "_upload",
        "_waiter",
        "_when_hinted",
        "_when_whole",
        "reused",
        "written",
    )

    def __init__(self, address: str, request: UpstreamRequest, *, reused: bool) -> None:
        self.reused = reused  # the connection had carried another request before
        self.written = False  # a byte reached the socket, and may have reached the backend
        self._address = address
        self._answer = Answer(address, request.method, request.upgrade)
        self._connection: Connection | None = None  # None: not begun, or let go
        self._error: BaseException | None = None
        self._paused = False
        self._request_whole = False
        self._reusable = request.reusable
        self._sink: Callable[[bytes], bool] | None = None
        self._upload: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._when_hinted: Callable[[AnswerHead], None] | None = None
        self._when_whole: Callable[[AnswerHead], None] | None = None

    # ---- for the caller

    @property
    def released(self) -> bool:
        """The connection was released: the answer has come whole, or something broke, or `close` was called."""
        return self._connection is None

    @property
    def ended(self) -> bool:
        """The whole answer was read: the last piece that `read` gave was the end."""
        return self._answer.complete and not self._answer.unread

    @property
    def ready(self) -> bool:
        """`read` would return at once."""
        return self._answer.unread > 0 or self._answer.complete

    async def head(self) -> AnswerHead:
        """The final head. May be cancelled and called again.

        Raises BrokeBeforeHead, BadAnswer, WrongLength, or what the request's body raised.
        """
        while self._answer.head is None:
            await self._change()
        return self._answer.head

    def when_hinted(self, call: Callable[[AnswerHead], None]) -> None:
        """Call `call` with each head of a 103 before the final one, in the turn of the loop in which it comes; at once
        with those that have come. They are bounded in number and bytes."""
        self._when_hinted = call
        self._tell_hints()

    def when_whole(self, call: Callable[[AnswerHead], None]) -> None:
        """Call `call` with the head in the turn of the loop in which the answer has come whole, read or not; at once if
        it has."""
        self._when_whole = call
        self._tell_if_whole()

    async def read(self) -> bytes:
        """The body that has come since the last call; b"" at its end. May be cancelled and called again.

        Raises CutShort, BadAnswer (broken chunks), WrongLength, or what the request's body raised.
        """
        answer = self._answer
        while not answer.unread:
            if answer.complete:
                return b""
            await self._change()
        return self._take()

    async def pour(self, sink: Callable[[bytes], bool]) -> None:
        """Hand each piece of the body to `sink` in the turn of the loop in which it comes, until `sink` returns
        False. The last piece is left to `read`. May be cancelled and called again. Raises as `read`, and what
        `sink` raised.
        """
        self._sink = sink
        try:
            while self._sink is not None and not self._answer.complete:
                if self._answer.unread:  # from before, or from the piece that broke
                    self._deliver(sink)
                else:
                    await self._change()
        finally:
            self._sink = None
        if self._error is not None and not self._answer.unread:
            raise self._error

    def switch(self, tunnel: asyncio.Protocol) -> tuple[asyncio.Transport, bytes]:
        """After a head with 101: `tunnel` is told what happens on the connection, and writes to the transport.

        Returns that, with reading paused, and what came behind the head. The transport is not to be closed: `finish`
        and `close` end it. Raises CutShort if the connection has broken meanwhile.
        """
        if self._connection is None:
            raise CutShort(self._address, "the connection ended with the head of a 101")
        return self._connection.switch(tunnel), self._answer.take()

    def finish(self) -> None:
        """The tunnel is over: what is unsent still goes out."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.finish()

    def close(self) -> None:
        """Give up what is left. An unfinished request or answer breaks the connection. May be called at any time."""
        self._when_whole = None
        if self._connection is not None:
            self._fail(UpstreamError(self._address, "the exchange was closed here"))

    # ---- for the dialer

    def begin(self, connection: Connection, request: UpstreamRequest, first_write: bytes) -> None:
        """Write the request, or begin to."""
        self._connection = connection
        self.written = True
        connection.carry(self, first_write)
        if has_rest(request):
            self._upload = asyncio.create_task(self._send_rest(connection, request))
            self._upload.add_done_callback(self._upload_over)
        else:
            self._request_whole = True

    # ---- for the connection

    def received(self, data: bytes) -> None:
        """Bytes have come."""
        answer = self._answer
        try:
            answer.feed(data)
        except BadAnswer as error:
            self._fail(error)
            return
        if answer.hints:
            self._tell_hints()
        if answer.complete:
            self._end(clean=self._reusable and self._request_whole and answer.leaves_connection_clean)
            return
        if self._sink is not None:
            if self._deliver(self._sink):
                return  # nobody waits for more
        elif answer.switches or answer.unread > MAX_UNREAD:
            self._pause_reading()
        self._wake()

    def connection_ended(self, how: str, *, orderly: bool) -> None:
        """The connection has ended."""
        self._error = self._answer.end(how, orderly=orderly)
        self._end(clean=False)

    # ---- inside

    async def _send_rest(self, connection: Connection, request: UpstreamRequest) -> None:
        await send_rest(connection, request)
        self._request_whole = True

    def _upload_over(self, task: asyncio.Task[None]) -> None:
        error = WrongLength(self._address, "the request's body was given up") if task.cancelled() else task.exception()
        if error is not None:
            self._fail(error)

    def _end(self, *, clean: bool) -> None:
        """The answer is over. `when_whole`'s callback runs first; the rest is done whatever it raises."""
        try:
            self._tell_if_whole()
        finally:
            self._release(clean=clean)
            self._wake()

    def _tell_if_whole(self) -> None:
        head, call = self._answer.head, self._when_whole
        if call is not None and head is not None and self._answer.complete:
            self._when_whole = None
            call(head)

    def _tell_hints(self) -> None:
        if self._when_hinted is not None:
            hints, self._answer.hints = self._answer.hints, ()
            for head in hints:
                self._when_hinted(head)

    def _deliver(self, sink: Callable[[bytes], bool]) -> bool:
        """Hand what is unread to the sink. Returns whether the sink takes more."""
        if not self._answer.unread:
            return True
        try:
            if sink(self._take()):
                return True
        except Exception as error:  # the reader's own, so for the reader
            self._fail(error)
        self._sink = None
        return False

    def _take(self) -> bytes:
        piece = self._answer.take()
        if self._paused:
            self._resume_reading()
        return piece

    def _fail(self, error: BaseException) -> None:
        if self._connection is not None:
            self._error = error
            self._release(clean=False)
            self._wake()

    def _release(self, *, clean: bool) -> None:
        connection, self._connection = self._connection, None
        self._when_hinted = None
        if self._upload is not None:
            self._upload.cancel()
        if connection is not None:
            connection.release(clean=clean)

    def _pause_reading(self) -> None:
        if self._connection is not None:
            self._paused = True
            self._connection.pause_reading()

    def _resume_reading(self) -> None:
        self._paused = False
        if self._connection is not None:
            self._connection.resume_reading()

    async def _change(self) -> None:
        """Return when something comes. Raises the error that ended the exchange, if there is one."""
        if self._error is not None:
            raise self._error
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
