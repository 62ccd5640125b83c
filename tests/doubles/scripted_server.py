"""A server on a free loopback port that plays a script on each connection: reads, answers, stalls, breaks off."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@dataclass(slots=True)
class Received:
    """A request as its bytes came."""

    head: bytes
    body: bytes  # as framed: chunks are not decoded

    @property
    def lines(self) -> list[bytes]:
        """The request line and the header lines."""
        return self.head.split(b"\r\n")[:-2]


class Visit:
    """One connection, from the server's side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests: list[Received] = []
        self._reader = reader
        self._writer = writer

    async def head(self) -> bytes:
        """Read up to the end of a request's head."""
        return await self._reader.readuntil(b"\r\n\r\n")

    async def request(self) -> Received:
        """Read a whole request."""
        head = await self.head()
        received = Received(head, await self.body(head.lower()))
        self.requests.append(received)
        return received

    async def send(self, data: bytes) -> None:
        """Write, and wait until the client takes it."""
        self._writer.write(data)
        await self._writer.drain()

    async def some(self) -> bytes:
        """What has come, or comes next; b"" at the end."""
        return await self._reader.read(65536)

    async def rest(self) -> bytes:
        """All that comes until the client's end of the connection; a reset is an end as well."""
        rest = b""
        try:
            while piece := await self._reader.read(65536):
                rest += piece
        except ConnectionError:
            pass
        return rest

    def finish(self) -> None:
        """Say that no more will be sent, but stay."""
        self._writer.write_eof()

    def reset(self) -> None:
        """Break the connection with an RST."""
        connection: socket.socket = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def body(self, head: bytes) -> bytes:
        """Read the body that was announced by `head`, in lower case."""
        if b"transfer-encoding: chunked" in head:
            return await self._reader.readuntil(b"0\r\n\r\n")
        _, _, length = head.partition(b"content-length: ")
        return await self._reader.readexactly(int(length.split(b"\r\n")[0] or 0))


class ScriptedServer:
    """`async with ScriptedServer(script) as server`; a connection closes when its script ends or its client leaves."""

    def __init__(self, script: Callable[[Visit], Awaitable[None]], host: str = "127.0.0.1", port: int = 0) -> None:
        self.visits: list[Visit] = []
        self.address = ""
        self._script = script
        self._host = host
        self._port = port
        self._playing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._visited, self._host, self._port)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._playing:
            task.cancel()
        results = await asyncio.gather(*self._playing, return_exceptions=True)
        await self._server.wait_closed()
        for result in results:
            if isinstance(result, Exception):
                raise result

    def _visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = Visit(reader, writer)
        self.visits.append(visit)
        self._playing.add(asyncio.create_task(self._play(visit, writer)))

    async def _play(self, visit: Visit, writer: asyncio.StreamWriter) -> None:
        try:
            await self._script(visit)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client left
        finally:
            writer.close()


def always(answer: bytes) -> Callable[[Visit], Awaitable[None]]:
    """Give the same answer to each request of a connection, for as long as the client stays."""

    async def script(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.send(answer)

    return script


def once(answer: bytes) -> Callable[[Visit], Awaitable[None]]:
    """Answer one request, then close."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(answer)

    return script
