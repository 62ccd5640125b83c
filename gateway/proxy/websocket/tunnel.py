"""Joins a client's connection and a backend's: bytes both ways, as they come, each side read only as fast as the other
takes. Knows no frames, so whatever websockets say to each other passes.

    both open ── the client closes ──> the backend hears of it ── it closes, or nothing moves any more ──> over
        └── the backend closes, a side breaks, or the gateway ends it ──> over

The backend's close is the end, since its slot is not the client's to keep; what it said still reaches the client.

It has no deadline while both are open: a silent websocket is a healthy one. A peer that vanished is found by the
kernel's keep-alive.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import anyio

from gateway.core.records.decisions import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.proxy.body.request_body import Client
    from gateway.proxy.exchange import Exchange
    from gateway.proxy.headers.forwarded import Header

#: Seconds without a byte after which a tunnel whose client has closed is over.
FAREWELL = 30.0

#: A connection on which nothing comes is asked after so many seconds, again after so many, and given up after so many
#: questions without an answer: two minutes in all. (Not every system names all of them.)
_KEEP_ALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}


class Tunnel:
    """One tunnel: made, joined, and run to its end."""

    def __init__(self, client: Client, exchange: Exchange) -> None:
        self.evidence = ""  # what broke
        self._client = client
        self._exchange = exchange
        self._near = _Side(self._changed)
        self._far = _Side(self._changed)
        self._near.other, self._far.other = self._far, self._near
        self._closed_first: _Side | None = None
        self._ended_here = False
        self._closing = anyio.Event()
        self._over = anyio.Event()

    @property
    def bytes_in(self) -> int:
        """From the client."""
        return self._near.moved

    @property
    def bytes_out(self) -> int:
        """From the backend."""
        return self._far.moved

    def join(self, headers: Iterable[Header]) -> None:
        """Tells the client 101 and lets the bytes flow, first those that either side has sent already.

        Raises UpstreamError, before the client is told anything, if the backend is there no longer.
        """
        self._far.transport, behind = self._exchange.switch(self._far)
        self._near.transport, early = self._client.upgrade(headers, self._near)
        if self._client.write_paused:  # with the head, or with what was sent before it
            self._near.pause_writing()
        for side, data in ((self._near, early), (self._far, behind)):
            keep_alive(side.transport)
            if data:
                side.data_received(data)
        for side in (self._near, self._far):
            side.begin()

    def end(self, why: str) -> None:
        """Close both sides, with what was said on its way. Harmless when repeated. `why`: for people."""
        self.evidence = self.evidence or why
        self._ended_here = True
        self._closing.set()
        self._over.set()

    async def run(self) -> Ending:
        """Until it is over; then both connections are ended. If it is cancelled, that is left to who cancels."""
        await self._closing.wait()
        while not self._over.is_set():
            before = self._near.moved + self._far.moved
            with anyio.move_on_after(FAREWELL):
                await self._over.wait()
            if before == self._near.moved + self._far.moved:
                break
        ending = self._ending
        if ending is Ending.BACKEND_BROKE_IN_ANSWER:
            self.evidence = "the backend broke the tunnel"
            self._client.cut()
        else:
            self._client.finish()
            self._exchange.finish()
        return ending

    @property
    def _ending(self) -> Ending:
        """Who closed first has ended it."""
        if self._closed_first is self._near:
            return Ending.CLIENT_LEFT_IN_ANSWER
        return Ending.SERVED if self._far.has_ended or self._ended_here else Ending.BACKEND_BROKE_IN_ANSWER

    def _changed(self, side: _Side) -> None:
        """A side has closed or broken."""
        if self._closed_first is None:
            self._closed_first = side
        self._closing.set()
        if side.is_lost or self._far.has_ended:
            self._over.set()


class _Side(asyncio.Protocol):
    """Hears one connection, and speaks to the other side's."""

    transport: asyncio.Transport
    other: _Side

    def __init__(self, changed: Callable[[_Side], None]) -> None:
        self.moved = 0  # bytes that came from here
        self.has_ended = False  # it will send no more
        self.is_lost = False
        self._changed = changed
        self._waits = False  # the other side does not take more

    def begin(self) -> None:
        """Read, unless the other side does not keep up already."""
        if not self._waits:
            self.go_on()

    def data_received(self, data: bytes) -> None:
        self.moved += len(data)
        if not self.other.is_lost:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        self.has_ended = True
        if not self.other.is_lost:
            self.other.transport.write_eof()
        self._changed(self)
        return True  # the other way goes on

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        self._changed(self)

    def pause_writing(self) -> None:
        """This side does not take more: the other one is to wait."""
        self.other.hold()

    def resume_writing(self) -> None:
        self.other.go_on()

    def hold(self) -> None:
        self._waits = True
        if self._may_read:
            self.transport.pause_reading()

    def go_on(self) -> None:
        self._waits = False
        if self._may_read:
            self.transport.resume_reading()

    @property
    def _may_read(self) -> bool:
        return not (self.has_ended or self.is_lost or self.transport.is_closing())


def keep_alive(transport: asyncio.Transport) -> None:
    """Let the kernel find out whether the peer is still there."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEP_ALIVE.items():
            if hasattr(socket, option):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
