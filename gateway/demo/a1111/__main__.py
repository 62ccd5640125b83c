"""A stand-in for AUTOMATIC1111's web UI, for trying out the gateway where there is no GPU:

    python -m gateway.demo.a1111 --port 7860 [--boot 2] [--work 1]

It says that it is a stand-in: in its first line, on its page, and in `X-Stand-In` on every answer. Unlike the real one,
which queues, it answers 500 when a second request comes while it works: it detects what must not happen.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from typing import TYPE_CHECKING

import uvicorn

from gateway.demo.a1111.api import A1111Api
from gateway.demo.a1111.boot import Boot, StandIn
from gateway.demo.gpu import Gpu

if TYPE_CHECKING:
    from collections.abc import Sequence
    from socket import socket
    from types import FrameType


class _Server(uvicorn.Server):
    """Boots when its port is open, and ends at the first signal, work or no work, as the real one does."""

    def __init__(self, config: uvicorn.Config, boot: Boot) -> None:
        super().__init__(config)
        self._boot = boot

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Open the port, say where (with port 0 nobody else knows), and begin to boot."""
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        logging.getLogger(__name__).info("Running on local URL:  http://%s:%d", host, port)
        self._boot.begin()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        os._exit(0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until a signal comes. A taken port ends it with uvicorn's line about it and exit code 3."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stdout)
    logging.getLogger(__name__).info(
        "A1111 stand-in (no GPU, no model): boots %g s, works %g s a request", options.boot, options.work
    )
    boot = Boot(options.boot, options.die_after_boot)
    app = StandIn(A1111Api(Gpu(), options.work).application(), boot)
    config = uvicorn.Config(
        app, options.host, options.port, loop="asyncio", ws="none", lifespan="off", access_log=False, log_config=None
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    asyncio.run(_Server(config, boot).serve())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gateway.demo.a1111", description="A stand-in for A1111's web UI.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0: any, told in a line")
    parser.add_argument(
        "--boot",
        type=float,
        default=2.0,
        metavar="SECONDS",
        help="from the open port to the API (default: %(default)g)",
    )
    parser.add_argument(
        "--work",
        type=float,
        default=1.0,
        metavar="SECONDS",
        help="for each request that works, whatever steps and size it asks for (default: %(default)g)",
    )
    parser.add_argument(
        "--die-after-boot", type=int, metavar="CODE", help="end with this exit code where the boot would be over"
    )
    return parser


if __name__ == "__main__":
    main()
