"""A stored request body: in memory up to a size, then in a file. Nothing here waits for a client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.proxy.body.spool import MEMORY, PIECE, SpoolFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Body:
    """Appended to, completed, then sent once or more often."""

    def __init__(self, memory: int = MEMORY) -> None:
        self.length = 0
        self._memory = memory
        self._pieces: list[bytes] = []
        self._file: SpoolFile | None = None
        self._in_file = 0

    def stream(self) -> bytes | AsyncIterator[bytes] | None:
        """All of it, or an iterator that begins at the beginning. None: the request has no body."""
        return b"".join(self._pieces) if self._file is None else _FromFile(self._file)

    async def beginning(self, size: int) -> bytes:
        """Its first `size` bytes, or all of it. OSError if the disk fails."""
        if self._file is not None:
            return await self._file.read_at(0, min(size, self.length))
        return b"".join(self._pieces)[:size]

    def close(self) -> None:
        """Give back memory and file. Harmless when repeated."""
        self._pieces.clear()
        if self._file is not None:
            self._file.close()

    async def append(self, piece: bytes) -> None:
        """OSError if the disk fails."""
        self._pieces.append(piece)
        self.length += len(piece)
        if self.length > self._memory and self.length - self._in_file >= PIECE:
            await self._write_out()

    async def complete(self) -> None:
        """Nothing more comes. OSError if the disk fails."""
        if self._file is not None:
            await self._write_out()
        else:
            self._pieces = [b"".join(self._pieces)]

    async def _write_out(self) -> None:
        if self._file is None:
            self._file = SpoolFile()
        piece = b"".join(self._pieces)
        self._pieces.clear()
        await self._file.write_at(self._in_file, piece)
        self._in_file += len(piece)


class _NoBody(Body):
    """Of most requests. Costs nothing and holds nothing."""

    def stream(self) -> bytes | AsyncIterator[bytes] | None:
        return None


NO_BODY = _NoBody()


class _FromFile:
    """One reading of a body in a file."""

    def __init__(self, file: SpoolFile) -> None:
        self._file = file
        self._position = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece = await self._file.read_at(self._position, PIECE)
        if not piece:
            raise StopAsyncIteration
        self._position += len(piece)
        return piece
