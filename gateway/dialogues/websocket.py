"""One end of a websocket that the gateway speaks itself: messages of text, in and out, on a connection whose handshake
is over. Framing is that of `websockets` (RFC 6455); nothing is compressed, for nothing was agreed. Knows nothing of
what is said, and never ends a connection: its owner does.

    open ── a close frame, the end, a breach of the protocol, no room ──> gone

What came before can still be read then; and who is not listened to any more, for want of room, can still be told so.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import anyio
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Protocol, Side, State

if TYPE_CHECKING:
    from collections.abc import Callable

#: Bytes that wait to be read before the other side is made to wait.
_UNREAD = 64 * 1024

#: Bytes of a message to which nobody listens.
_SMALL_TALK = 4096


class WebSocketEnd(asyncio.Protocol):
    """Has one reader. To an end that has closed, `send` and `close` do nothing."""

    def __init__(
        self, side: Side, *, longest: int | None = None, takes: Callable[[int], bool] = lambda count: True
    ) -> None:
        """`longest`: bytes of a message that comes; a longer one ends it, with a goodbye that says so. `takes` is asked
        whether there is room for each piece that comes, before it is kept."""
        self.gone = False  # the other side says nothing more, or is not listened to
        self.bytes_in = 0
        self.bytes_out = 0
        self._protocol = Protocol(side, max_size=longest)
        self._takes = takes
        self._transport: asyncio.Transport | None = None
        self._messages: deque[bytes] = deque()
        self._parts: list[bytes] = []  # of a message that is not all there
        self._unread = 0
        self._is_deaf = False
        self._waits = False  # reading is paused
        self._write_paused = False
        self._on_gone: Callable[[], None] | None = None
        self._changed: asyncio.Event | None = None

    # For its owner

    def open(self, transport: asyncio.Transport, early: bytes) -> None:
        """`transport`, with reading paused, is spoken through from here on; `early` has come already."""
        self._transport = transport
        if early:
            self.data_received(early)
        if not (self._waits or self.gone or transport.is_closing()):
            transport.resume_reading()

    @property
    def why_gone(self) -> str:
        """Evidence for people."""
        broke, goodbye = self._protocol.parser_exc, self._protocol.close_rcvd
        if goodbye is not None:
            return f"it said goodbye: {goodbye}"
        return "the connection ended" if broke is None else str(broke)

    @property
    def left_in_order(self) -> bool:
        """It has said goodbye as one does who is done."""
        goodbye = self._protocol.close_rcvd
        return goodbye is not None and goodbye.code == CloseCode.NORMAL_CLOSURE

    @property
    def unsent(self) -> int:
        """Bytes that the other side has not taken."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    async def receive(self) -> bytes | None:
        """The next message; None: there is none any more. May be cancelled and called again."""
        while not self._messages:
            if self.gone:
                return None
            await self._change()
        message = self._messages.popleft()
        self._unread -= len(message)
        if self._waits and self._unread <= _UNREAD:
            self._waits = False
            if self._transport is not None and not (self.gone or self._transport.is_closing()):
                self._transport.resume_reading()
        return message

    def listen_no_more(self) -> None:
        """Nothing is expected from here on: what it says is dropped, and if it says much, it is gone."""
        self._is_deaf = True
        self._protocol.max_message_size = _SMALL_TALK
        self._messages.clear()
        self._unread = 0

    def give_up(self) -> None:
        """The peer is not heard any more, and counts as gone."""
        self._end()

    def send(self, message: bytes) -> None:
        """One message of text, in UTF-8. Never waits: see `unsent` and `drained`."""
        if self._is_open:
            self.bytes_out += len(message)
            self._protocol.send_text(message)
            self._flush()

    async def drained(self, stall: float) -> bool:
        """Until the other side has taken most of what was sent, or is gone. False: it takes nothing, for `stall`
        seconds."""
        while self._write_paused and not self.gone:
            before = self.unsent
            with anyio.move_on_after(stall) as patience:
                await self._change()
            if patience.cancelled_caught and self.unsent >= before:
                return False
        return True

    async def close(self, code: CloseCode, within: float) -> None:
        """Say goodbye, and give the other side so many seconds to do so in turn."""
        if self._is_open:
            self._protocol.send_close(code)
            self._flush()
            self.listen_no_more()
            with anyio.move_on_after(within):
                while not self.gone:
                    await self._change()

    def on_gone(self, callback: Callable[[], None] | None) -> None:
        """Call once, in the same turn of the loop, when it is gone; at once if it is. None: call nobody."""
        self._on_gone = None
        if callback is not None and self.gone:
            callback()
        else:
            self._on_gone = callback

    # For the event loop

    def data_received(self, data: bytes) -> None:
        if self.gone:
            return
        self.bytes_in += len(data)
        if not self._takes(len(data)):
            self._end()
            return
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._frame(event)
        self._flush()
        if self._protocol.close_rcvd is not None or self._protocol.parser_exc is not None:
            self._end()

    def eof_received(self) -> bool:
        self._protocol.receive_eof()
        self._end()
        return True  # the connection is its owner's to end

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._end()

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        self._wake()

    # Inside

    @property
    def _is_open(self) -> bool:
        return self._transport is not None and self._protocol.state is State.OPEN

    def _frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.BINARY:
            self._protocol.fail(CloseCode.UNSUPPORTED_DATA)
            self._end()
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT) and not self._is_deaf:
            self._parts.append(bytes(frame.data))
            if frame.fin:
                self._keep(b"".join(self._parts))
                self._parts.clear()

    def _keep(self, message: bytes) -> None:
        self._messages.append(message)
        self._unread += len(message)
        if self._unread > _UNREAD and not self._waits and self._transport is not None:
            self._waits = True
            self._transport.pause_reading()
        self._wake()

    def _flush(self) -> None:
        """What is to be sent, save the end of the stream."""
        for data in self._protocol.data_to_send():
            if data and self._transport is not None and not self._transport.is_closing():
                self._transport.write(data)

    def _end(self) -> None:
        if self.gone:
            return
        self.gone = True
        self._parts.clear()
        self._wake()
        callback, self._on_gone = self._on_gone, None
        if callback is not None:
            callback()

    async def _change(self) -> None:
        if self._changed is None:
            self._changed = asyncio.Event()
        await self._changed.wait()

    def _wake(self) -> None:
        if self._changed is not None:
            self._changed.set()
            self._changed = None
