"""The gateway with everything on that shows what it does: five open pages of operators, and a trace of each request.

Its access line, its counts and its receipts are on in any case.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from bench.children import CannotMeasure, free_port
from bench.load import request_bytes
from bench.targets import Proxy, Standing, gateway_command, gateway_configuration, gateway_pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from bench.job import Job
    from bench.load import Address

#: Pages that are open at once.
PAGES = 5

_THANKS = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Observed:
    """See the module."""

    name, queues = "gateway, all on", True

    @contextlib.asynccontextmanager
    async def stand(
        self, pods: Sequence[Address], limit: int, cores: frozenset[int], folder: Path
    ) -> AsyncIterator[Standing]:
        """See Target."""
        ops = free_port()
        async with _collector() as collector:

            def configuration(job: Job) -> str:
                return gateway_configuration(job.port, ops, gateway_pool(job), tracing={"endpoint": collector})

            proxy = Proxy(self.name, configuration, gateway_command)
            async with proxy.stand(pods, limit, cores, folder) as standing, _pages(("127.0.0.1", ops)):
                yield standing


@contextlib.asynccontextmanager
async def _pages(address: Address) -> AsyncIterator[None]:
    """Open for as long as the context lasts; what they are sent is read, and nothing is done with it."""
    readers = [asyncio.create_task(_look(address)) for _ in range(PAGES)]
    try:
        yield
        if over := [reader for reader in readers if reader.done()]:
            raise CannotMeasure(f"{len(over)} of {PAGES} open pages were cut off")
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)


async def _look(address: Address) -> None:
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(request_bytes("GET", "/api/live"))
        while await reader.read(1 << 16):
            pass
    finally:
        writer.transport.abort()


@contextlib.asynccontextmanager
async def _collector() -> AsyncIterator[str]:
    """One of traces that thanks for everything. Yields its address."""

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.split(b":")[1]))
            writer.write(_THANKS)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0, limit=1 << 22)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"
