"""One socket to one backend: its life and its flow control. Knows nothing of HTTP.

    opened ──> carrying ──> closed         carrying: an exchange is told all that happens
              │ │    ^         ^           idle:     it closes itself at the first byte, or the backend's end
              │ v    │         │           switched: after a 101, a tunnel is told all, half-closes too
              │ idle ──────────┤
              └──> switched ───┘

The dialer makes it carry an exchange, the exchange releases it, and its owner is told of its end.
"""

from __future__ import annotations

import asyncio
import select
from typing import Protocol, cast

#: Seconds for a backend to take what is unsent when a tunnel is over.
FLUSH_TIMEOUT = 10.0


class Listener(Protocol):
    """The exchange that a connection carries. `connection_ended` is called at most once, and nothing after it or after
    `release`."""

    def received(self, data: bytes) -> None: ...
    def connection_ended(self, how: str, *, orderly: bool) -> None: ...


class Owner(Protocol):
    """Keeps the connection while it carries no exchange."""

    def opened(self, connection: Connection) -> None: ...
    def free(self, connection: Connection) -> None: ...
    def lost(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """One socket; its states are in the module's diagram."""

    def __init__(self, address: str, owner: Owner) -> None:
        self.address = address
        self.idle_since = 0.0  # loop time; the owner's note
        self._owner = owner
        self._listener: Listener | None = None
        self._tunnel: asyncio.Protocol | None = None
        self._flush: asyncio.TimerHandle | None = None
        self._retired = False
        self._reading = True
        self._writable = True
        self._changed: asyncio.Future[None] | None = None

    # ---- for the dialer

    def is_quiet(self) -> bool:
        """The connection is open, and no byte, end or error has come. Asks the kernel, so it is true of this moment."""
        return not self._transport.is_closing() and not self._poll.poll(0)

    def reached_itself(self) -> bool:
        """The socket is connected to itself: nobody listens there, and the system gave the dial that very port to dial
        from, as it may with a free port of this machine."""
        info = self._transport.get_extra_info
        return bool(info("sockname") == info("peername"))

    def carry(self, listener: Listener, data: bytes | memoryview) -> None:
        """Begin an exchange by writing `data`."""
        self._listener = listener
        self._transport.write(data)

    def retire(self) -> None:
        """Carry no further exchange; end at once if it carries none."""
        self._retired = True
        if self._listener is None and self._tunnel is None:
            self.close()

    # ---- for the exchange

    def write(self, data: bytes | memoryview) -> None:
        """Hand `data` to the socket. Wait for `ready_to_write` before the next."""
        self._transport.write(data)

    async def ready_to_write(self) -> None:
        """Return when the socket takes more and an answer that waits in the socket has been read.

        A write to a backend that has answered and left is answered with a reset, which would destroy the answer.
        """
        while not self._writable:
            await self._change()
        if self._reading and not self.is_quiet():
            await self._change()

    def pause_reading(self) -> None:
        """Read nothing more from the socket."""
        self._reading = False
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read from the socket again."""
        self._reading = True
        self._transport.resume_reading()

    def release(self, *, clean: bool) -> None:
        """The exchange is over. `clean`: the request went out whole, and nothing can follow the answer's end."""
        self._listener = None
        if clean and not self._retired and not self._transport.get_write_buffer_size():
            self._owner.free(self)
        else:
            self.close()

    def switch(self, tunnel: asyncio.Protocol) -> asyncio.Transport:
        """The backend speaks another protocol from here on: `tunnel` takes the exchange's place."""
        self._listener, self._tunnel = None, tunnel
        return self._transport

    def finish(self) -> None:
        """End it when the backend has taken what is unsent, or after `FLUSH_TIMEOUT`."""
        self._transport.close()
        self._flush = asyncio.get_running_loop().call_later(FLUSH_TIMEOUT, self._transport.abort)

    def close(self) -> None:
        """End it at once; what is unsent is dropped. An exchange on it is told."""
        self._transport.abort()

    # ---- for the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._poll = select.poll()
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
        self._owner.opened(self)

    def data_received(self, data: bytes) -> None:
        if self._listener is not None:
            self._listener.received(data)
        elif self._tunnel is not None:
            self._tunnel.data_received(data)
        else:
            self.close()
        self._wake()

    def eof_received(self) -> bool | None:
        if self._tunnel is not None:
            return self._tunnel.eof_received()
        self._tell("the backend closed the connection", orderly=True)
        self.close()  # it will not read on either: nobody half-closes on purpose here
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        how = "the connection was closed here" if exc is None else f"the connection broke ({exc})"
        self._tell(how, orderly=False)
        if self._flush is not None:
            self._flush.cancel()
        if self._tunnel is not None:
            self._tunnel.connection_lost(exc)
        self._owner.lost(self)

    def pause_writing(self) -> None:
        self._writable = False
        if self._tunnel is not None:
            self._tunnel.pause_writing()

    def resume_writing(self) -> None:
        self._writable = True
        if self._tunnel is not None:
            self._tunnel.resume_writing()
        self._wake()

    def _tell(self, how: str, *, orderly: bool) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.connection_ended(how, orderly=orderly)
        self._wake()

    async def _change(self) -> None:
        """Return when something happens on the connection."""
        self._changed = asyncio.get_running_loop().create_future()
        try:
            await self._changed
        finally:
            self._changed = None

    def _wake(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)
