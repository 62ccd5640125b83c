"""Finds the connection for a request: an idle one if the request may reuse one, else a fresh one. Owns all connections.

A request that must run at most once never reuses a connection: a late answer to the request before, or a
backend that is just closing it, would make its fate unknown. It may use a spare, which was dialled ahead and
has carried nothing yet.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from gateway.upstream.connection import Connection
from gateway.upstream.errors import NotSent
from gateway.upstream.exchange import Exchange
from gateway.upstream.happy_eyeballs import connect, is_literal, resolve
from gateway.upstream.idle import IdleConnections
from gateway.upstream.upload import first_write

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.upstream.happy_eyeballs import Address
    from gateway.upstream.request import UpstreamRequest

#: Seconds a spare may wait for its request: servers close a connection that sends nothing after little more than that.
SPARE_MAX_AGE = 5.0


class Dialer:
    """Sends requests to addresses: "host:port", an IPv6 host in brackets."""

    def __init__(
        self,
        *,
        connect_timeout: float = 2.0,
        idle_reuse: float = 4.0,
        max_idle: int = 32,
        resolve: Callable[[str, int], Awaitable[list[Address]]] = resolve,
    ) -> None:
        """`idle_reuse`: seconds a connection may wait for its next request; backends keep theirs for 5 s and more.
        A spare waits no longer for its first.

        `max_idle`: how many may wait for each address. `resolve`: looks up a host that is a name.
        """
        self._resolve = resolve
        self._connect_timeout = connect_timeout
        self._keeps_any = idle_reuse > 0
        self._idle = IdleConnections(max_age=idle_reuse, max_per_address=max_idle)
        self._spares = IdleConnections(max_age=min(SPARE_MAX_AGE, idle_reuse), max_per_address=1)
        self._open: set[Connection] = set()
        self._dialling: set[Connection] = set()  # not open yet
        self._ahead: dict[str, asyncio.Task[None]] = {}  # spares that are being dialled
        self._closed = False
        self._all_lost: asyncio.Future[None] | None = None

    async def send(self, address: str, request: UpstreamRequest) -> Exchange:
        """Connect if need be, write the head and a body in memory; an iterator's body follows while the answer is read.

        Raises NotSent, or ValueError for a request that must not be written. Cancelled: nothing was written.
        """
        if (exchange := self.send_at_once(address, request)) is not None:
            return exchange
        data = first_write(request)
        exchange = Exchange(address, request, reused=False)
        exchange.begin(await self._connect(address), request, data)
        return exchange

    def send_at_once(self, address: str, request: UpstreamRequest) -> Exchange | None:
        """As `send`, if a connection is there already; else None, and nothing was done. Raises ValueError."""
        data = first_write(request)
        connection = (self._idle if request.reusable else self._spares).take(address)
        if connection is None:
            return None
        exchange = Exchange(address, request, reused=request.reusable)
        exchange.begin(connection, request, data)
        return exchange

    def dial_ahead(self, address: str) -> None:
        """Dial a spare connection, one at most, for a request that will be sent soon and may not reuse one.

        Does not wait. A dial that fails is not reported: the request's own will fail too. To a backend that serves one
        connection at a time a spare is a client that sends nothing: call this only when the next request is in line.
        With `idle_reuse` 0, for backends that bear no idle connections, no spare is dialled.
        """
        if self._keeps_any and not self._closed and address not in self._ahead and self._spares.has_room(address):
            self._ahead[address] = asyncio.create_task(self._dial_spare(address))

    @property
    def in_use(self) -> bool:
        """A connection is open, or one is being made."""
        return bool(self._open or self._dialling)

    def forget(self, address: str) -> None:
        """The backend at this address is gone: idle connections are closed, those at work are closed when they
        are done.

        Another backend may be there already: what is being dialled was meant for the old one, so its request is
        not sent.
        """
        self._dialling = {each for each in self._dialling if each.address != address}
        for connection in [each for each in self._open if each.address == address]:
            connection.retire()

    def close(self) -> None:
        """Break all connections; exchanges on them fail. Nothing is sent any more."""
        self._closed = True
        self._idle.clear()
        self._spares.clear()
        for task in self._ahead.values():
            task.cancel()
        for connection in list(self._open):
            connection.close()

    async def aclose(self) -> None:
        """As `close`, and return when every connection has ended."""
        self.close()
        if self._ahead:
            await asyncio.wait(self._ahead.values())
        if self._open:
            self._all_lost = asyncio.get_running_loop().create_future()
            await self._all_lost

    # ---- for the connections

    def opened(self, connection: Connection) -> None:
        """Called by a connection when it is made."""
        self._open.add(connection)

    def free(self, connection: Connection) -> None:
        """Called by a connection that may carry another request."""
        self._idle.put(connection)

    def lost(self, connection: Connection) -> None:
        """Called by a connection when it has ended."""
        self._open.discard(connection)
        self._idle.discard(connection)
        self._spares.discard(connection)
        if self._all_lost is not None and not self._all_lost.done() and not self._open:
            self._all_lost.set_result(None)

    # ---- inside

    async def _dial_spare(self, address: str) -> None:
        try:
            self._spares.put(await self._connect(address))
        except NotSent:
            pass  # nor will the request be: it tells why
        finally:
            del self._ahead[address]

    async def _connect(self, address: str) -> Connection:
        connection = Connection(address, self)
        self._dialling.add(connection)
        try:
            await self._open_socket(connection)
            is_wanted = connection in self._dialling and not self._closed
        finally:
            self._dialling.discard(connection)
        if connection.reached_itself():
            connection.close()
            raise NotSent(address, "no connection: nobody listens there")
        if not is_wanted or not connection.is_quiet():
            connection.close()
            raise NotSent(address, "the connection was closed, or spoke first, before the request was written")
        return connection

    async def _open_socket(self, connection: Connection) -> None:
        address = connection.address
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_timeout):
                if is_literal(host):
                    await loop.create_connection(lambda: connection, host, int(port))
                else:
                    sock = await connect(await self._resolve(host, int(port)))
                    await loop.create_connection(lambda: connection, sock=sock)
        except TimeoutError as error:
            raise NotSent(address, f"no connection within {self._connect_timeout:g} s") from error
        except OSError as error:
            raise NotSent(address, _reason(error)) from error


def _reason(error: OSError) -> str:
    """The kernel's message where it has one: asyncio's names the call, not the reason."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
