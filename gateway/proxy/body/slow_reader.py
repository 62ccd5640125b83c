"""A client that takes its answer more slowly than the backend gives it: the rest waits in a spool, and a task of its
own writes it. Two sides, one writer each: `put` and `complete` fill the spool, `write_out` empties it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from gateway.proxy.body.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.core.line.room import Room


class SlowReader:
    """`write(piece, more)` sends to the client; `ready` waits until it has taken what was sent before and says
    whether it is still there."""

    def __init__(
        self,
        room: Room,
        *,
        limit: int,
        write: Callable[[bytes, bool], Awaitable[None]],
        ready: Callable[[], Awaitable[bool]],
    ) -> None:
        self._spool = Spool(room, file_limit=limit)
        self._write = write
        self._ready = ready
        self._complete = False
        self._left = False  # nobody reads any more
        self._filled = anyio.Event()
        self._emptied = anyio.Event()

    async def put(self, piece: bytes) -> None:
        """Waits only while the spool is full. What comes after the reader has left is dropped."""
        while not self._left and not await self._spool.write(piece):
            if self._spool.size:  # else it was emptied while a disk that failed was written to
                self._emptied = anyio.Event()
                await self._emptied.wait()
        self._filled.set()

    def complete(self) -> None:
        """Nothing more comes."""
        self._complete = True
        self._filled.set()

    async def write_out(self) -> None:
        """Until everything is written or the client has left."""
        try:
            while await self._ready():
                piece = await self._spool.read()
                self._emptied.set()
                is_last = self._complete and not self._spool.size
                if piece or is_last:
                    await self._write(piece, not is_last)
                    if is_last:
                        return
                else:
                    self._filled = anyio.Event()
                    await self._filled.wait()
        finally:
            self._left = True
            self._emptied.set()

    def close(self) -> None:
        """Give back file, memory and the pool's bytes."""
        self._spool.close()
