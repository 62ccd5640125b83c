"""A client that sends exactly the bytes it is told to, and reads what comes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from dataclasses import dataclass
from typing import Any


@dataclass
class RawAnswer:
    """An answer as it came. `fields` maps names in lower case to values."""

    status: int
    fields: dict[str, str]
    body: bytes = b""

    def json(self) -> Any:
        return json.loads(self.body)


class RawClient:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def head(self) -> RawAnswer:
        """The next head: of a 100 too."""
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines[1:-2])
        return RawAnswer(int(lines[0].split(" ")[1]), fields)

    async def answer(self, *, to_head: bool = False) -> RawAnswer:
        """The next whole answer. Raises asyncio.IncompleteReadError if it is cut."""
        answer = await self.head()
        if to_head or answer.status in (204, 304):
            return answer
        if "content-length" in answer.fields:
            answer.body = await self._reader.readexactly(int(answer.fields["content-length"]))
        elif answer.fields.get("transfer-encoding") == "chunked":
            while size := int(await self._reader.readuntil(b"\r\n"), 16):
                answer.body += (await self._reader.readexactly(size + 2))[:-2]
            assert await self._reader.readexactly(2) == b"\r\n"
        else:
            answer.body = await self.rest()
        return answer

    async def ask(self, data: bytes) -> RawAnswer:
        await self.send(data)
        return await self.answer()

    async def read_exactly(self, count: int) -> bytes:
        return await self._reader.readexactly(count)

    async def read_some(self, most: int) -> bytes:
        """What is there, at least a byte. Raises asyncio.IncompleteReadError at the end of the stream."""
        if piece := await self._reader.read(most):
            return piece
        raise asyncio.IncompleteReadError(b"", 1)

    async def rest(self) -> bytes:
        """All that comes until the end of the stream. Raises ConnectionResetError if it ends with a reset."""
        return await self._reader.read()

    def half_close(self) -> None:
        self._writer.write_eof()

    def reset(self) -> None:
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def stop_reading(self) -> None:
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    def read_again(self) -> None:
        self._writer.transport.resume_reading()  # type: ignore[attr-defined]

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
