"""Serves a stand-in on a loopback port while a block of code runs. It leaves the process's signals alone."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def served(app: Callable[..., Awaitable[None]], port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """An ASGI application at the address "HOST:PORT". What is under way when the block ends is given up."""
    config = uvicorn.Config(app, ws="none", lifespan="off", access_log=False, log_config=None, loop="asyncio")
    server = _Server(config)
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()
        serving = asyncio.create_task(server.serve([listening]))
        try:
            yield f"{host}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            await serving
