"""Idle connections, bounded in number for each address and in age."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.upstream.connection import Connection


class IdleConnections:
    """Keeps idle connections. `take` gives the one that waited least, so that the others reach their age and
    are closed."""

    def __init__(self, *, max_age: float, max_per_address: int) -> None:
        self._max_age = max_age  # seconds
        self._max_per_address = max_per_address
        self._loop = asyncio.get_running_loop()  # looked up once: each look is a system call in Python 3.11
        self._waiting: dict[str, list[Connection]] = {}  # oldest first
        self._timer: asyncio.TimerHandle | None = None

    def has_room(self, address: str) -> bool:
        """`put` would keep one more connection."""
        return len(self._waiting.get(address, ())) < self._max_per_address

    def put(self, connection: Connection) -> None:
        """Keep the connection, or close it if there is no room."""
        if not self.has_room(connection.address):
            connection.close()
            return
        waiting = self._waiting.setdefault(connection.address, [])
        connection.idle_since = self._loop.time()
        waiting.append(connection)
        if self._timer is None:
            self._timer = self._loop.call_later(self._max_age, self._sweep)

    def take(self, address: str) -> Connection | None:
        """A connection that can be written to in this turn of the loop. None: there is none."""
        waiting = self._waiting.get(address)
        now = self._loop.time()
        while waiting:
            connection = waiting.pop()
            if now - connection.idle_since < self._max_age and connection.is_quiet():
                return connection
            connection.close()
        return None

    def discard(self, connection: Connection) -> None:
        """The connection has ended: forget it, if it is here."""
        waiting = self._waiting.get(connection.address, [])
        if connection in waiting:
            waiting.remove(connection)

    def clear(self) -> None:
        """Forget all connections. The caller closes them."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        """Close what is too old, and set the timer for the next."""
        too_old = self._loop.time() - self._max_age
        for address, waiting in list(self._waiting.items()):
            while waiting and waiting[0].idle_since <= too_old:
                waiting.pop(0).close()
            if not waiting:
                del self._waiting[address]
        oldest = min((waiting[0].idle_since for waiting in self._waiting.values()), default=None)
        self._timer = None if oldest is None else self._loop.call_at(oldest + self._max_age, self._sweep)
