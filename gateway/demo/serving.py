"""How every stand-in is served: it says where, and ends at the first signal, work or no work, as the real ones do."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket
    from types import FrameType

    from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, greeting: str, opened: Callable[[], None]) -> None:
        super().__init__(config)
        self._greeting = greeting
        self._opened = opened

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Open the port and say where: with port 0 nobody else knows."""
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        logging.getLogger(__name__).info("%s  http://%s:%d", self._greeting, host, port)
        self._opened()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        os._exit(0)


def say_what_it_is(words: str) -> None:
    """The first line of a stand-in, on standard output."""
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stdout)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger(__name__).info(words)


def serve(app: ASGIApp, host: str, port: int, *, greeting: str, opened: Callable[[], None] = lambda: None) -> None:
    """Until a signal comes. `greeting` stands before the address in the line that tells it; `opened` is called on the
    event loop when the port is open. A taken port ends it with uvicorn's line about it and exit code 3."""
    config = uvicorn.Config(
        app,
        host,
        port,
        loop="asyncio",
        ws="websockets-sansio",
        ws_max_size=1 << 30,
        lifespan="off",
        access_log=False,
        log_config=None,
    )
    asyncio.run(_Server(config, greeting, opened).serve())
