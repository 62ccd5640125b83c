"""One socket to one backend. Owns its life and the flow on it; knows nothing of HTTP.

    opened ──> carrying ──> closed         carrying: an exchange hears all that happens
              │ │    ^         ^           idle:     at the first byte or end it closes itself
              │ v    │         │           switched: after a 101, a tunnel hears all, half-closes too
              │ idle ──────────┤
              └──> switched ───┘

Who may do what: the dialer lets it carry an exchange, the exchange lets it go, and its owner hears of each end.
"""

from __future__ import annotations

import asyncio
import select
from typing import Protocol, cast

#: Seconds for a backend to take what is unsent when a tunnel is over.
FLUSH_TIMEOUT = 10.0


class Listener(Protocol):
    """The exchange a connection carries. `over` comes once at most; after it, or after letting go, nothing comes."""

    def received(self, data: bytes) -> None: ...
    def over(self, how: str, *, orderly: bool) -> None: ...


class Owner(Protocol):
    """Who keeps the connection when no exchange does."""

    def opened(self, connection: Connection) -> None: ...
    def free(self, connection: Connection) -> None: ...
    def lost(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """See the diagram at the top of this file."""

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
        self._stirring: asyncio.Future[None] | None = None

    # ---- for the dialer

    def is_quiet(self) -> bool:
        """Open, and nothing has come: no byte, end or error. The kernel is asked, so it is true of this very moment."""
        return not self._transport.is_closing() and not self._poll.poll(0)

    def reached_itself(self) -> bool:
        """Nobody listens there, and the system joined the two ends of one socket: a dial to a free port of this machine
        may be given that very port to dial from."""
        info = self._transport.get_extra_info
        return bool(info("sockname") == info("peername"))

    def carry(self, listener: Listener, data: bytes | memoryview) -> None:
        """Begin an exchange by writing `data`."""
        self._listener = listener
        self._transport.write(data)

    def retire(self) -> None:
        """Carry no further exchange; end now if there is none."""
        self._retired = True
        if self._listener is None and self._tunnel is None:
            self.close()

    # ---- for the exchange

    def write(self, data: bytes | memoryview) -> None:
        """Hand `data` to the socket. Wait for `ready_to_write` before the next."""
        self._transport.write(data)

    async def ready_to_write(self) -> None:
        """Return when the socket takes more and an answer that waits to be read has been let in.

        A write to a backend that has answered and left would be answered with a reset, and that destroys the answer.
        """
        while not self._writable:
            await self._stir()
        if self._reading and not self.is_quiet():
            await self._stir()

    def pause_reading(self) -> None:
        """Stop the flow towards us."""
        self._reading = False
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Let it flow again."""
        self._reading = True
        self._transport.resume_reading()

    def let_go(self, *, clean: bool) -> None:
        """The exchange is over. `clean`: the request went out whole, the answer's end was certain, all is quiet."""
        self._listener = None
        if clean and not self._retired and not self._transport.get_write_buffer_size():
            self._owner.free(self)
        else:
            self.close()

    def switch(self, tunnel: asyncio.Protocol) -> asyncio.Transport:
        """The backend speaks another protocol from here on: the exchange hears nothing any more."""
        self._listener, self._tunnel = None, tunnel
        return self._transport

    def finish(self) -> None:
        """End it when the backend has taken what is unsent, or does not for too long."""
        self._transport.close()
        self._flush = asyncio.get_running_loop().call_later(FLUSH_TIMEOUT, self._transport.abort)

    def close(self) -> None:
        """End it at once: what was not sent yet never is. An exchange on it hears that it is over."""
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
            listener.over(how, orderly=orderly)
        self._wake()

    async def _stir(self) -> None:
        """Until something happens on the connection."""
        self._stirring = asyncio.get_running_loop().create_future()
        try:
            await self._stirring
        finally:
            self._stirring = None

    def _wake(self) -> None:
        if self._stirring is not None and not self._stirring.done():
            self._stirring.set_result(None)
