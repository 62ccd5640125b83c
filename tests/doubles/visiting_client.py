"""The client of one request, in front of the endpoint: its connection as the server offers it, and what it got to read.

Like the server's own class: nothing reaches a client that is gone, to cut is to make it gone, its leaving is told once,
and a head that is held goes out with the first of its body.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import anyio

from tests.doubles.tunnel_end import TunnelEnd

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable, MutableMapping

    Message = MutableMapping[str, Any]


class VisitingClient:
    """Satisfies `proxy.inbound.Client`; `receive` and `send` are the application's."""

    def __init__(self, scope: Message, target: bytes, *, websocket: bool = False) -> None:
        self.scope = scope
        self.target = target
        self.websocket = websocket
        self.end = TunnelEnd()  # its own, once it is upgraded
        self.gone = False
        self.write_paused = False
        self.status: int | None = None
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.has_all = False  # the answer came to its own end
        self.was_cut = False
        self.assured = 0  # so often
        self.hints: list[list[tuple[bytes, bytes]]] = []
        self.was_asked = False  # for its request's body
        self.is_watched = False
        self._says: deque[Message] = deque()
        self._held: tuple[int, list[tuple[bytes, bytes]]] | None = None
        self._stops_at: int | None = None
        self._callback: Callable[[], None] | None = None
        self._changed = anyio.Event()

    @property
    def body_complete(self) -> bool:
        """It has said the last of its request's body."""
        return bool(self._says) and not self._says[-1]["more_body"]

    # What it does

    def says(self, *pieces: bytes, more: bool = False) -> None:
        """Sends some of its request's body; without `more`, the last of it."""
        for piece in pieces:
            self._says.append({"type": "http.request", "body": piece, "more_body": more or piece is not pieces[-1]})
        self._wake()

    def leaves(self) -> None:
        """Closes the connection."""
        if not self._is_over:
            self.gone = True
            self._wake()
            callback, self._callback = self._callback, None
            if callback is not None:
                callback()

    def stops_reading(self, *, at: int = 0) -> None:
        """It takes so many bytes of the body at least, and then nothing."""
        self._stops_at = at
        self._look_whether_it_stops()

    def reads_on(self) -> None:
        """It takes everything again."""
        self.write_paused = False
        self._wake()

    def header(self, name: str) -> str | None:
        """The only one of that name in its answer; None: there is none."""
        values = [value.decode() for key, value in self.headers if key == name.encode()]
        assert len(values) < 2, values
        return values[0] if values else None

    # The application's side

    async def receive(self) -> Message:
        """As ASGI has it."""
        self.was_asked = True
        while not (self._says or self._is_over):
            await self._change()
        return self._says.popleft() if self._says and not self._is_over else {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """As ASGI has it, with the key `gateway.hold`."""
        if message["type"] == "http.response.start":
            self.begin(message["status"], message["headers"], hold=message.get("gateway.hold", False))
        else:
            self.pass_on(message["body"])
        await self.drained()
        if message.get("more_body") is False and not self.gone:
            self.has_all = True

    def begin(self, status: int, headers: Iterable[tuple[bytes, bytes]], *, hold: bool) -> None:
        """It is sent a head."""
        if not self.gone:
            assert self.status is None, "a second head"
            self._held = (status, list(headers))
            if not hold:
                self._take_head()

    def pass_on(self, piece: bytes) -> None:
        """It is sent some of a body."""
        if self.gone:
            return
        self._take_head()
        assert self.status, "a body before its head"
        assert not self.has_all, "a body behind its end"
        self.body += piece
        self._look_whether_it_stops()

    async def drained(self) -> None:
        """Until it has taken everything, or is gone."""
        while self.write_paused and not self.gone:
            await self._change()

    def on_gone(self, callback: Callable[[], None] | None) -> None:
        """Whom to tell."""
        self.is_watched = callback is not None
        if callback is not None and self.gone:
            callback()
        else:
            self._callback = callback

    def assure(self) -> None:
        """It is told 102."""
        assert self.status is None, "an interim head behind the final one"
        self.assured += 1

    def hint(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """It is told 103."""
        assert self.status is None, "an interim head behind the final one"
        self.hints.append(list(headers))

    def cut(self) -> None:
        """The gateway ends the connection so that nothing passes for a whole answer."""
        if not self._is_over:
            self.was_cut = True
            self.leaves()

    def upgrade(
        self, headers: Iterable[tuple[bytes, bytes]], tunnel: asyncio.Protocol
    ) -> tuple[asyncio.Transport, bytes]:
        """It is told 101."""
        assert self.websocket, "an upgrade unasked"
        assert not self.gone, "an upgrade for nobody"
        assert self.status is None, "a second head"
        self.status, self.headers = 101, list(headers)
        return self.end.join(tunnel)

    def finish(self) -> None:
        """The tunnel came to its end."""
        self.has_all = True

    # Inside

    @property
    def _is_over(self) -> bool:
        return self.gone or self.has_all

    def _take_head(self) -> None:
        if self._held is not None:
            (self.status, self.headers), self._held = self._held, None

    def _look_whether_it_stops(self) -> None:
        if self._stops_at is not None and len(self.body) >= self._stops_at:
            self._stops_at, self.write_paused = None, True

    async def _change(self) -> None:
        await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
