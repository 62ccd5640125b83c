"""A websocket to Knative's autoscaler, as its server wants it (pkg/autoscaler/statserver of Knative Serving): binary
frames, no Origin header (one of another host is refused), pings from our side alone. Never connects twice by itself.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import anyio
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from gateway.knative.link import LinkLost

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Awaitable

    from websockets.asyncio.client import ClientConnection

#: Seconds, as Knative's own client has them (pkg/websocket/connection.go).
HANDSHAKE_TIMEOUT = 3.0
PING_EVERY = 10 / 3
PONG_WITHIN = 10.0

#: Seconds for the other side to close in turn.
CLOSE_TIMEOUT = 1.0

#: The server sends no messages; one that does is not to fill our memory.
_MOST_RECEIVED = 4096

#: RFC 6455's registry: "Service Restart". Sent by an autoscaler that ends; another one is there.
SERVICE_RESTART = 1012


@asynccontextmanager
async def autoscaler_socket(url: str) -> AsyncIterator[AutoscalerSocket]:
    """Open while entered. `url`: ws://HOST:PORT. Raises LinkLost if it cannot be opened."""
    try:
        socket = await connect(
            url,
            compression=None,
            proxy=None,  # those of the environment are for the world outside
            user_agent_header="gateway",
            open_timeout=HANDSHAKE_TIMEOUT,
            ping_interval=PING_EVERY,
            ping_timeout=PONG_WITHIN,
            close_timeout=CLOSE_TIMEOUT,
            max_size=_MOST_RECEIVED,
        )
    except (OSError, WebSocketException) as error:
        raise LinkLost(f"{url}: {error or type(error).__name__}") from error
    try:
        yield AutoscalerSocket(socket)
    finally:
        with anyio.CancelScope(shield=True):  # bounded by CLOSE_TIMEOUT
            await socket.close()


class AutoscalerSocket:
    """One that is open; the link's `Connection`."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._answer: Awaitable[float] | None = None  # to the last ping

    @property
    def is_answering(self) -> bool:
        """The last ping was answered."""
        return self._answer is None or cast("asyncio.Future[float]", self._answer).done()

    async def ask(self) -> None:
        """Sends a ping. Raises LinkLost."""
        try:
            self._answer = await self._socket.ping()
        except ConnectionClosed as closed:
            raise _lost(closed) from closed

    async def send(self, frame: bytes) -> None:
        """Sends one binary message. Raises LinkLost."""
        try:
            await self._socket.send(frame)
        except ConnectionClosed as closed:
            raise _lost(closed) from closed

    async def lost(self) -> None:
        """Until it is closed, or answers no ping: raises LinkLost. What the server says meanwhile means nothing."""
        try:
            while True:
                await self._socket.recv()
        except ConnectionClosed as closed:
            raise _lost(closed) from closed


def _lost(closed: ConnectionClosed) -> LinkLost:
    return LinkLost(str(closed), restarting=closed.rcvd is not None and closed.rcvd.code == SERVICE_RESTART)
