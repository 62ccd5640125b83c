"""A pod of bodies that exist nowhere: GET /BYTES answers with so many, anything else is read to its end and counted.

Fast enough for gigabytes, and what it holds of them is one piece.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: Written again and again.
PIECE = bytes(256 * 1024)

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class BulkPod:
    """`sent` and `received`: bytes of bodies so far."""

    def __init__(self) -> None:
        self.sent = 0
        self.received = 0
        self.port = 0

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET"):
                await self._answer(writer, int(head.split(b" ")[1][1:]))
            else:
                length = _LENGTH.search(head)
                assert length is not None
                await self._read(reader, int(length[1]))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the other side has left
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, length: int) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length)
        while self.sent < length:
            await writer.drain()
            writer.write(PIECE[: length - self.sent])
            self.sent += min(len(PIECE), length - self.sent)
        await writer.drain()

    async def _read(self, reader: asyncio.StreamReader, length: int) -> None:
        while self.received < length:
            self.received += len(await reader.read(len(PIECE)))


@asynccontextmanager
async def bulk_pod() -> AsyncIterator[BulkPod]:
    """One that listens, on this loop."""
    pod = BulkPod()
    server = await asyncio.start_server(pod.serve, "127.0.0.1", 0, limit=len(PIECE))
    pod.port = server.sockets[0].getsockname()[1]
    async with server:
        yield pod
