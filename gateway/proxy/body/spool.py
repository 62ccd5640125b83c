"""A spool: bytes held for a slower reader, in memory first, then in an unnamed temporary file.

`SpoolFile` is the file, used in worker threads alone. `Spool` is the first-in, first-out buffer of an answer whose
backend must not wait for its reader; it never waits for room itself: it says that it is full.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections import deque
from functools import partial
from typing import IO, TYPE_CHECKING, TypeVar

import anyio.to_thread
import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.line.room import Room

#: Bytes that one request or answer may hold in memory.
MEMORY = 1 << 20

#: Bytes written to or read from a file at once: enough that the change of threads (some 100 µs) does not count.
PIECE = 256 << 10

_T = TypeVar("_T")


def warn_of_disk(error: OSError) -> None:
    """A file of ours failed."""
    structlog.get_logger().warning(
        "spool_failed", error=str(error), do="make room where temporary files go (TMPDIR), or lower queue.bytes"
    )


class SpoolFile:
    """An unnamed temporary file, made when first written to. Reads and writes raise OSError if the disk fails."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._in_use = threading.Lock()
        self._closed = False

    async def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """Write all of `data`."""
        await anyio.to_thread.run_sync(self._guarded, partial(self._write, offset, data))

    async def read_at(self, offset: int, size: int) -> bytes:
        """At most `size` bytes; b"" behind the end."""
        return await anyio.to_thread.run_sync(self._guarded, partial(self._read, offset, size))

    def close(self) -> None:
        """At once, or by the thread that is just using the file: a descriptor must not be closed under its hands.

        That thread looks at `_closed` after it has let go of the lock, so one of the two always sees to it.
        """
        self._closed = True
        if self._in_use.acquire(blocking=False):
            try:
                if self._file is not None:
                    self._file.close()
            finally:
                self._in_use.release()

    def _guarded(self, work: Callable[[], _T]) -> _T:
        try:
            with self._in_use:
                return work()
        finally:
            if self._closed:
                self.close()

    def _write(self, offset: int, data: bytes | memoryview) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  closed by `close`
        rest = memoryview(data)
        while rest:
            written = os.pwrite(self._file.fileno(), rest, offset)
            rest, offset = rest[written:], offset + written

    def _read(self, offset: int, size: int) -> bytes:
        return b"" if self._file is None else os.pread(self._file.fileno(), size, offset)


class Spool:
    """What one writer has put in and one reader has not yet taken.

    Memory is filled first. While the file holds anything, all that comes goes behind it; once it is empty, memory is
    used again. The file is a ring, so that it never grows above its limit however long the answer is. An empty spool
    takes one piece whatever its size and whether or not the pool has room for it: that much plain backpressure would
    hold, too, and so a writer always gets on when the reader has caught up.
    """

    def __init__(self, room: Room, *, file_limit: int, memory: int = MEMORY) -> None:
        """`room` is charged with what is held. `file_limit` and `memory` are bytes."""
        self._room = room
        self._memory_limit = memory
        self._file_limit = file_limit
        self._file = SpoolFile()
        self._pieces: deque[bytes] = deque()
        self._in_memory = 0
        self._in_file = 0
        self._file_start = 0  # where the oldest byte stands in the ring
        self._file_failed = False  # what it holds may still be read
        self._charged = 0

    @property
    def size(self) -> int:
        """Bytes held."""
        return self._in_memory + self._in_file

    async def write(self, piece: bytes) -> bool:
        """Put `piece` behind the rest. False: full, nothing was taken; ask again when the reader has taken some."""
        if not self._charge(len(piece)) and self.size:
            return False
        if not self.size or (not self._in_file and self._in_memory + len(piece) <= self._memory_limit):
            self._pieces.append(piece)
            self._in_memory += len(piece)
            return True
        fits = not self._file_failed and self._in_file + len(piece) <= self._file_limit
        if fits and await self._write_to_file(piece):
            return True
        self._give_back(len(piece))
        return False

    async def read(self) -> bytes:
        """Take the oldest bytes; b"" if there are none (yet)."""
        if self._pieces:
            piece = self._pieces.popleft()
            self._in_memory -= len(piece)
        elif self._in_file:
            to_the_edge = self._file_limit - self._file_start
            piece = await self._file.read_at(self._file_start, min(PIECE, self._in_file, to_the_edge))
            self._file_start = (self._file_start + len(piece)) % self._file_limit
            self._in_file -= len(piece)
        else:
            return b""
        self._give_back(len(piece))
        return piece

    def close(self) -> None:
        """Give back the file and the charge. Harmless when repeated."""
        self._file.close()
        self._pieces.clear()
        self._in_memory = self._in_file = 0
        self._give_back(self._charged)

    async def _write_to_file(self, piece: bytes) -> bool:
        end = (self._file_start + self._in_file) % self._file_limit
        before_the_edge = memoryview(piece)[: self._file_limit - end]
        behind_it = memoryview(piece)[self._file_limit - end :]
        try:
            await self._file.write_at(end, before_the_edge)
            if behind_it:
                await self._file.write_at(0, behind_it)
        except OSError as error:
            warn_of_disk(error)
            self._file_failed = True
            return False
        self._in_file += len(piece)
        return True

    def _charge(self, count: int) -> bool:
        taken = self._room.take(count)
        self._charged += count if taken else 0
        return taken

    def _give_back(self, count: int) -> None:
        """The piece that an empty spool took without room was not charged: never give back more than was."""
        count = min(count, self._charged)
        self._charged -= count
        self._room.give(count)
