"""How a stand-in comes up, and the ASGI layer around its routes that shows it.

As in the real one the port opens first, and until the boot is over FastAPI has no API routes yet: it answers them with
its own 404. That is the trap for a gateway that takes an open port for a ready server.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_API = ("/sdapi/", "/internal/")


class Boot:
    """Takes `seconds` from the opening of the port; then the API is there, or the process dies with `exit_code`."""

    def __init__(self, seconds: float, exit_code: int | None = None) -> None:
        self.done = False
        self._seconds = seconds
        self._exit_code = exit_code

    def begin(self) -> None:
        """To be called on the event loop, when the port has been opened."""
        asyncio.get_running_loop().call_later(self._seconds, self._end)

    def _end(self) -> None:
        log = logging.getLogger(__name__)
        if self._exit_code is None:
            self.done = True
            log.info("Startup time: %.1fs (stand-in)", self._seconds)
        else:
            log.error("RuntimeError: no GPU came up (stand-in told to die with exit code %d)", self._exit_code)
            os._exit(self._exit_code)


class StandIn:
    """ASGI layer: no API before the end of the boot, and headers that say what answers and how long it took."""

    def __init__(self, app: ASGIApp, boot: Boot) -> None:
        self._app = app
        self._boot = boot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Stand-In"] = "a1111"
                headers["X-Process-Time"] = f"{time.perf_counter() - began:.4f}"
            await send(message)

        absent = not self._boot.done and scope["path"].startswith(_API)
        await (_not_found if absent else self._app)(scope, receive, send_marked)


_not_found = Response('{"detail":"Not Found"}', status_code=404, media_type="application/json")
