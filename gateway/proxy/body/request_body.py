"""A request's body on its way in: read whole before the request takes its place in line, or passed on as it comes.

Room is asked for before the first byte is read, and so before `100 Continue`: that is sent when the server is first
asked for the body. What room was taken is given back by whoever made the room.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, Protocol

import anyio

from gateway.core.records.decisions import Ending
from gateway.proxy.body.spool import warn_of_disk
from gateway.proxy.body.stored import NO_BODY, Body
from gateway.proxy.errors import BodyTooLarge, BodyTooSlow, ClientLeft, EdgeError, Refused

if TYPE_CHECKING:
    import asyncio

    from gateway.core.line.room import Room
    from gateway.core.records.decisions import Refusal

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

#: Bytes a second that a body must bring on average, or its place in line would be held for as long as somebody cares to
#: drip. A third of what a modem of 1996 sends; Apache's mod_reqtimeout asks for half of it.
SLOWEST = 1024


class Client(Protocol):
    """The client's connection, as the server offers it in `scope["extensions"]["gateway.client"]`."""

    @property
    def target(self) -> bytes:
        """The request target exactly as sent."""

    @property
    def gone(self) -> bool:
        """The client has left, or was closed for reasons of ours."""

    @property
    def body_complete(self) -> bool:
        """All of the request's body has come, though perhaps not been received."""

    @property
    def write_paused(self) -> bool:
        """More is waiting to be sent than the client takes."""

    def begin(self, status: int, headers: Iterable[tuple[bytes, bytes]], *, hold: bool) -> None:
        """Send the head of an answer, or with `hold` together with what comes next. Never waits: look at
        `write_paused`, and wait by `drained`."""

    def pass_on(self, piece: bytes) -> None:
        """Send a part of the body with more to come, as `begin` does. The last one is for ASGI's `send`."""

    async def drained(self) -> None:
        """Until nothing waits any more, or the client is gone."""

    def on_gone(self, callback: Callable[[], None] | None) -> None:
        """Call once, in the same turn of the loop, when the client leaves; at once if it has. None: call nobody."""

    def assure(self) -> None:
        """Let the client know that it will get an answer (102)."""

    def hint(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Send these ahead of the answer (103), if the client can hear of them."""

    def cut(self) -> None:
        """End the connection so that what was sent cannot pass for a whole answer."""

    @property
    def websocket(self) -> bool:
        """Whether the client asks to go on with websocket."""

    def upgrade(
        self, headers: Iterable[tuple[bytes, bytes]], tunnel: asyncio.Protocol
    ) -> tuple[asyncio.Transport, bytes]:
        """Answer 101: from here on `tunnel` hears what happens on the connection. Returns the transport, with reading
        paused, and what the client has sent already. The transport is not to be closed: `finish` and `cut` end it."""

    def finish(self) -> None:
        """End the tunnel when the client has taken what is unsent."""


class RequestBody:
    """One request's body on its way in. It is iterated, or handed to `read_body`, at most once.

    Whoever iterates may not be the one who answers for it: so what went wrong stands in `error`, too.
    """

    def __init__(self, receive: Receive, headers: Iterable[tuple[bytes, bytes]], client: Client | None = None) -> None:
        """Header names are lower-case, and the server has refused what is ambiguous."""
        self._client = client  # None: nothing is known but what `receive` brings
        self.has_body, self.length = _announced(headers)  # length None: chunked
        self.received = 0
        self.ended = self.length == 0
        self.error: EdgeError | None = None
        self._receive = receive
        self._max_body = 0
        self._idle_timeout = self._total_timeout = 0.0
        self._waited = 0.0  # seconds, for the client alone: a backend or a disk that is slow is not its fault

    def stream(
        self, *, max_body: int, idle_timeout: float, total_timeout: float = math.inf
    ) -> bytes | AsyncIterator[bytes] | None:
        """The body to be passed on as it comes; nothing is kept. None: there is none.

        `max_body`: bytes; BodyTooLarge at once if more are announced. `idle_timeout`: seconds without a byte, and the
        start that a body has of `SLOWEST`. `total_timeout`: seconds that are waited for it in all. The
        iterator raises BodyTooLarge, BodyTooSlow or ClientLeft.
        """
        if self.ended:
            return b"" if self.has_body else None
        if self.length is not None and self.length > max_body:
            raise BodyTooLarge(max_body, self.length)
        self._max_body = max_body
        self._idle_timeout, self._total_timeout = idle_timeout, total_timeout
        return self

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self.error is not None:
            raise self.error
        while not self.ended:
            if piece := await self._next():
                return piece
        raise StopAsyncIteration

    async def _next(self) -> bytes:
        message = await (self._receive() if self.is_here else self._receive_in_time())
        if message["type"] == "http.disconnect":
            raise self._failed(ClientLeft(Ending.CLIENT_LEFT_UPLOADING))
        piece: bytes = message.get("body", b"")
        self.received += len(piece)
        if self.received > self._max_body:
            raise self._failed(BodyTooLarge(self._max_body))
        self.ended = not message.get("more_body", False)
        return piece

    @property
    def is_here(self) -> bool:
        """The rest has come: nobody has to wait for it, so nothing needs a timer."""
        return self._client is not None and self._client.body_complete

    async def _receive_in_time(self) -> MutableMapping[str, Any]:
        credit = min(self._idle_timeout + self.received / SLOWEST, self._total_timeout) - self._waited
        since = anyio.current_time()
        message: MutableMapping[str, Any] = {}
        with anyio.move_on_after(min(self._idle_timeout, credit)) as patience:
            message = await self._receive()
        self._waited += anyio.current_time() - since
        if patience.cancelled_caught:
            raise self._failed(BodyTooSlow(self.received, self._waited))
        return message

    def _failed(self, error: EdgeError) -> EdgeError:
        self.error = error
        return error


async def read_body(
    inbound: RequestBody,
    *,
    room: Room,
    refusal: Callable[[], Refusal],
    max_body: int,
    idle_timeout: float,
    total_timeout: float = math.inf,
) -> Body:
    """The whole body. Its bytes are taken from `room` as they come: what is announced may never come, and must only fit
    before the first byte is read.

    `refusal`: what the pool says when it has no room; a disk that fails is no room either. Raises Refused and what
    the stream raises (BodyTooLarge, BodyTooSlow, ClientLeft); then nothing is kept.
    """
    pieces = inbound.stream(max_body=max_body, idle_timeout=idle_timeout, total_timeout=total_timeout)
    if pieces is None:
        return NO_BODY
    if inbound.length is not None and not room.fits(inbound.length):
        raise Refused(refusal())
    body = Body()
    try:
        async for piece in inbound:
            if not room.take(len(piece)):
                raise Refused(refusal())
            await body.append(piece)
        await body.complete()
    except OSError as error:
        body.close()
        warn_of_disk(error)
        raise Refused(refusal()) from error
    except BaseException:
        body.close()
        raise
    return body


def _announced(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bool, int | None]:
    """Whether a body comes, and its length."""
    for name, value in headers:
        if name == b"content-length":
            return True, int(value)
        if name == b"transfer-encoding":
            return True, None
    return False, 0
