"""A stand-in for the side of Knative's autoscaler that listens: it takes statistics as pkg/autoscaler/statserver of
Knative Serving does, remembers the last of them, and decides nothing. Who wants pods for them passes a callable.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from websockets.asyncio.server import Server, serve
from websockets.exceptions import ConnectionClosed

from gateway.demo.knative.wire import StatMessage, decode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request, Response

#: What it says when it ends: "come back at once, there is another one".
RESTARTING = 1012, "Restarting"

#: Messages that are remembered.
_REMEMBERED = 10_000


class AutoscalerStandIn:
    """Statistics as they come. `on_stat` hears of each message that has a stat, in order."""

    def __init__(self, on_stat: Callable[[StatMessage], None] = lambda message: None) -> None:
        self._on_stat = on_stat
        self._log = logging.getLogger(__name__)
        self._server: Server | None = None
        self._port = 0  # any, the first time
        self._news = asyncio.Event()
        self.received: deque[tuple[float, StatMessage]] = deque(maxlen=_REMEMBERED)  # seconds on the monotonic clock
        self.unreadable = 0  # frames
        self.refused = 0  # handshakes
        self.connections = 0  # ever

    @property
    def url(self) -> str:
        """Where it listens, also after a restart."""
        return f"ws://127.0.0.1:{self._port}"

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[AutoscalerStandIn]:
        """While entered, on the loopback address."""
        self._port = port
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def start(self) -> None:
        """Listen, on the port that it had before if it had one."""
        # Knative's server pings nobody, negotiates no compression, and knows no bound on messages.
        self._server = await serve(
            self._take,
            "127.0.0.1",
            self._port,
            process_request=self._answer_others,
            compression=None,
            ping_interval=None,
            max_size=None,
        )
        self._port = self._server.sockets[0].getsockname()[1]
        self._log.info("autoscaler stand-in (no Knative): listens on %s", self.url)

    async def stop(self) -> None:
        """As Knative's on SIGTERM: every client is told to come back. Nobody listens from here on."""
        server, self._server = self._server, None
        if server is None:
            return
        await asyncio.gather(*(connection.close(*RESTARTING) for connection in server.connections))
        server.close()
        await server.wait_closed()

    async def until(self, condition: Callable[[], object]) -> None:
        """Return when `condition` holds; it is looked at whenever a message or a connection has come."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    def _answer_others(self, connection: ServerConnection, request: Request) -> Response | None:
        """Kubelet's probes, and what comes from a page of another host. None: go on with the handshake."""
        if request.headers.get("User-Agent", "").startswith("kube-probe/"):
            return connection.respond(HTTPStatus.OK, "ok\n")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
            self.refused += 1
            return connection.respond(HTTPStatus.FORBIDDEN, "Forbidden\n")
        return None

    async def _take(self, connection: ServerConnection) -> None:
        self.connections += 1
        self._news.set()
        try:
            async for frame in connection:
                if isinstance(frame, bytes):
                    self._hear(frame)
                else:
                    self.unreadable += 1
        except ConnectionClosed:
            self._log.info("autoscaler stand-in: a client broke off")

    def _hear(self, frame: bytes) -> None:
        try:
            messages = decode(frame)
        except ValueError as error:
            self.unreadable += 1
            self._log.warning("autoscaler stand-in: not statistics: %s", error)
            return
        for message in messages:
            if message.stat is not None:
                self.received.append((time.monotonic(), message))
                self._on_stat(message)
        self._news.set()
