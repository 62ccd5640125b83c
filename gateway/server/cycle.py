"""One request and its answer, between the connection that carries them and the application that works on them.

The application sees ASGI's `receive` and `send`, and the `gateway.client` extension: what ASGI has no words
for. The cycle knows nothing of sockets, parsing or timers.

    gone       the client can no longer be answered: it left, sent nonsense in mid-body, or was cut
    answered   the whole answer was handed to the transport
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import structlog

from gateway.server.answer import UNTIL_CLOSE, Answer, Framing, hinting_head, switching_head
from gateway.server.refusals import problem_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from starlette.types import ASGIApp, Message, Scope

    from gateway.server.head import RequestHead
    from gateway.server.state import TrafficState

#: Bytes below which buffers are joined: copying them costs less than writing them one by one.
_JOINED_BELOW = 16 * 1024

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"


class Connection(Protocol):
    """The part of a connection that a request uses."""

    transport: asyncio.Transport
    shared: TrafficState
    is_last: bool  # no further request is wanted on it

    def wants_body(self) -> None: ...
    def answered(self) -> None: ...
    def end(self, *, reset: bool) -> None: ...
    def switch(self, tunnel: asyncio.Protocol) -> tuple[asyncio.Transport, bytes]: ...


class RequestCycle:
    """One request and its answer. The client extension is: `target gone malformed write_paused begin pass_on drained
    on_gone assure hint cut`, and for a request that asks for another protocol `websocket upgrade finish`."""

    __slots__ = (
        "_answer",
        "_buffered",
        "_changed",
        "_connection",
        "_end_received",
        "_head",
        "_held",
        "_on_gone",
        "_owes_continue",
        "_pieces",
        "_switched",
        "_wrote",
        "answered",
        "body_complete",
        "gone",
        "malformed",
        "target",
        "task",
        "websocket",
        "write_paused",
    )

    def __init__(self, connection: Connection, head: RequestHead, *, write_paused: bool) -> None:
        self.target = head.target
        self.websocket = head.websocket  # it asks for an upgrade
        self.gone = False
        self.malformed = False  # the request's body broke HTTP's rules
        self.write_paused = write_paused  # the transport's write buffer is above its high-water mark
        self.answered = False
        self.task: asyncio.Task[None] | None = None
        self.body_complete = head.length == 0  # all of it has arrived
        self._connection = connection
        self._head = head
        self._answer: Answer | None = None
        self._held = b""  # a head that waits for its body
        self._wrote = False  # a byte of the answer
        self._switched = False  # it was 101: what goes over the connection is not HTTP
        self._owes_continue = head.expects_continue and not self.body_complete
        self._pieces: list[bytes] = []  # of body, not yet received by the application
        self._buffered = 0
        self._end_received = False  # the application knows that the body is complete
        self._on_gone: Callable[[], None] | None = None
        self._changed: asyncio.Event | None = None  # made when somebody waits

    # What the application calls.

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Runs `app` on the request. However that ends, the client has an answer or a broken connection."""
        try:
            await app(scope, self.receive, self.send)
        except Exception:  # the edge: whatever the application raised, one client and one log entry pay for it
            structlog.get_logger().exception("application_failed", do="a defect: report it with this line")
        else:
            if not self._is_over:
                structlog.get_logger().error("application_left_no_answer", do="a defect: report it with this line")
        finally:
            if not self._is_over:
                self._fail()
            self._on_gone = None
            self._connection.shared.at_work.discard(self)

    async def receive(self) -> Message:
        """The body as it comes, then its end, then `http.disconnect` once the client is gone or answered."""
        if self._owes_continue and not self._is_over:
            self._owes_continue = False
            self._connection.transport.write(_CONTINUE)
        while not (self._pieces or self._is_over or (self.body_complete and not self._end_received)):
            await self._change()
        if self._is_over:
            return {"type": "http.disconnect"}
        return self._take_body()

    async def send(self, message: Message) -> None:
        """Writes, then waits while the client does not keep up. Writes nothing to a client that is gone.

        A head with the key `gateway.hold` goes out together with the body that the application sends next.
        """
        kind = message["type"]
        if kind == "http.response.start":
            self.begin(message["status"], message.get("headers", ()), hold=message.get("gateway.hold", False))
        elif kind == "http.response.body":
            self._continue_answer(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError(f"{kind} is no part of an answer")
        if self.write_paused:
            await self.drained()
        if self._answer is not None and self._answer.complete:
            self._end_answer(self._answer)

    def begin(self, status: int, headers: Iterable[tuple[bytes, bytes]], *, hold: bool) -> None:
        """Sends a head as `send` does, but never waits: look at `write_paused`, and wait by `drained`. Writes
        nothing to a client that is gone."""
        if self.gone:
            return
        if self._answer is not None:
            raise RuntimeError("a head was sent out of order")
        self._begin_answer(status, headers, hold=hold)

    def pass_on(self, piece: bytes) -> None:
        """Sends a part of the body, with more to come, as `send` does, but never waits; see `begin`."""
        self._continue_answer(piece, more=True)

    async def drained(self) -> None:
        """Returns when the client has taken what was written, or the request is over."""
        while self.write_paused and not self._is_over:
            await self._change()

    def on_gone(self, callback: Callable[[], None] | None) -> None:
        """Calls `callback` once, in the turn of the loop in which the client goes; at once if it is gone. None
        clears it."""
        if callback is not None and self.gone:
            callback()
        else:
            self._on_gone = callback

    def assure(self) -> None:
        """Sends an interim 102 (Processing), if no answer has begun. HTTP/1.0 has none."""
        if self._answer is None and self._head.http11 and not self._is_over:
            self._connection.transport.write(_PROCESSING)

    def hint(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Sends an interim 103 (Early Hints), if no answer has begun. HTTP/1.0 has none, and one before a 101 would
        take programs that speak websocket by surprise. Raises ValueError as `Answer.head`."""
        if self._answer is None and self._head.http11 and not (self.websocket or self._is_over):
            self._connection.transport.write(hinting_head(headers))

    def cut(self) -> None:
        """Ends the connection so that what was sent cannot pass for a whole answer. Does nothing if the answer
        is whole."""
        if self._is_over:
            return
        ends_by_closing = self._switched or not self._head.http11 or self._framing is UNTIL_CLOSE
        closing_is_an_end = self._wrote and ends_by_closing
        self._connection.end(reset=closing_is_an_end)
        self.leave()

    def upgrade(
        self, headers: Iterable[tuple[bytes, bytes]], tunnel: asyncio.Protocol
    ) -> tuple[asyncio.Transport, bytes]:
        """Answers 101. From here on `tunnel` is told what happens on the connection, and writes to the transport.

        Returns that, with reading paused, and what the client has sent already. The transport is not to be closed:
        `finish` and `cut` end it. Raises RuntimeError if the client did not ask, or was answered or is gone.
        """
        if not self.websocket or self._answer is not None or self._is_over:
            raise RuntimeError("an upgrade out of order")
        head = switching_head(headers, self._connection.shared.date())
        self._switched = True
        self._write((head,))
        return self._connection.switch(tunnel)

    def finish(self) -> None:
        """The tunnel's other end has closed: the client gets what is unsent, and a FIN."""
        if not self._is_over:
            self.answered = True
            self.wake()
            self._connection.answered()

    # What the connection calls.

    @property
    def has_written(self) -> bool:
        """A byte of the answer was written."""
        return self._wrote

    @property
    def keeps_alive(self) -> bool:
        """The answer leaves the connection open for another request."""
        return self._answer is not None and self._answer.keep_alive

    @property
    def buffered(self) -> int:
        """Bytes of body that the application has not received yet."""
        return self._buffered

    def feed(self, content: bytes, *, complete: bool) -> None:
        """More of the body has come; `complete`: its end, too."""
        self._owes_continue = False  # it did not wait for our word
        self.body_complete = complete
        if content:
            self._pieces.append(content)
            self._buffered += len(content)
        if content or complete:
            self.wake()

    def leave(self) -> None:
        """The client is gone."""
        if self._is_over:
            return
        self.gone = True
        self.wake()
        callback, self._on_gone = self._on_gone, None
        if callback is not None:
            callback()

    def wake(self) -> None:
        """Wakes who waits for a change."""
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    # How it is done.

    @property
    def _is_over(self) -> bool:
        return self.gone or self.answered

    @property
    def _framing(self) -> Framing | None:
        return self._answer.framing if self._answer is not None else None

    async def _change(self) -> None:
        if self._changed is None:
            self._changed = asyncio.Event()
        await self._changed.wait()

    def _take_body(self) -> Message:
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces = []
        self._buffered = 0
        self._end_received = self.body_complete
        self._connection.wants_body()
        return {"type": "http.request", "body": body, "more_body": not self.body_complete}

    def _begin_answer(self, status: int, headers: Iterable[tuple[bytes, bytes]], *, hold: bool) -> None:
        head = self._head
        connection, shared = self._connection, self._connection.shared
        keep_alive = head.keep_alive and self.body_complete and not (connection.is_last or shared.stopping)
        self._answer = Answer(http11=head.http11, head_only=head.method == b"HEAD")
        encoded = self._answer.head(status, headers, keep_alive=keep_alive, date=shared.date())
        if hold:
            self._held = encoded
        else:
            self._write((encoded,))

    def _continue_answer(self, piece: bytes, *, more: bool) -> None:
        if self.gone:
            return
        if self._answer is None or self._answer.complete:
            raise RuntimeError("a part of a body was sent out of order")
        buffers = self._answer.body(piece, more=more)
        if self._held:
            buffers = (self._held, *buffers)
            self._held = b""
        if buffers:
            self._write(buffers)

    def _end_answer(self, answer: Answer) -> None:
        if answer.falls_short:
            self.cut()
        elif not self._is_over:
            self.answered = True
            self.wake()
            self._connection.answered()

    def _write(self, buffers: Sequence[bytes]) -> None:
        self._wrote = True
        self._owes_continue = False
        if len(buffers) == 1:
            self._connection.transport.write(buffers[0])
        elif sum(map(len, buffers)) < _JOINED_BELOW:
            self._connection.transport.write(b"".join(buffers))
        else:
            self._connection.transport.writelines(buffers)

    def _fail(self) -> None:
        """Answers 500 in the application's place, or cuts an answer that has begun."""
        if self._wrote:
            self.cut()
            return
        request_id = self._connection.shared.new_id()
        body = problem_body(500, "The gateway failed to answer this request.", request_id)
        fields = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", request_id.encode()),
        ]
        self._held = b""
        self._begin_answer(500, fields, hold=True)
        self._continue_answer(body, more=False)
        assert self._answer is not None
        self._end_answer(self._answer)
