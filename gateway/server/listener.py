"""A bound socket, the connections accepted from it, and the tasks of their requests: how they start and end.

Both ports are a `Listener` of `GatewayProtocol`, each with bounds of its own: whoever floods the one takes nothing from
the other. `lifecycle.py` decides when to stop.
"""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from typing import TYPE_CHECKING

import anyio
from uvicorn import Config

from gateway.server.limits import operators_limits
from gateway.server.protocol import GatewayProtocol
from gateway.server.state import TrafficState

if TYPE_CHECKING:
    from starlette.types import ASGIApp

#: Connections that wait to be accepted; as uvicorn, and cut by the kernel to net.core.somaxconn.
_BACKLOG = 2048

#: Seconds between two looks whether everything has ended. Only while stopping.
_LOOK_EVERY = 0.02

#: Seconds for cancelled requests to end.
_CANCEL_TIMEOUT = 1.0


class CannotListen(Exception):
    """The address cannot be listened on. `reason` is the system's message."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"cannot listen on {host}:{port}: {reason}")
        self.host = host
        self.port = port
        self.reason = reason


def bind(host: str, port: int) -> socket.socket:
    """A listening socket (port 0: any free one). Connections wait in its backlog until a listener starts.

    Raises `CannotListen`.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        sock = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        # In the kernel's words where it has any: Python's own repeat the address.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
        raise CannotListen(host, port, reason) from error
    sock.setblocking(False)
    return sock


class Listener:
    """Owns `sock` from its construction on."""

    def __init__(self, sock: socket.socket, config: Config, shared: TrafficState) -> None:
        config.load()
        self.address: tuple[str, int] = sock.getsockname()[:2]
        self._sock = sock
        self._config = config
        self._shared = shared
        self._server: asyncio.Server | None = None

    @property
    def is_empty(self) -> bool:
        """No connection and no request is left."""
        return not (self._shared.connections or self._shared.tasks)

    async def start(self) -> None:
        """Accepts connections."""
        self._server = await asyncio.get_running_loop().create_server(
            self._connection, sock=self._sock, backlog=_BACKLOG
        )

    async def stop_listening(self) -> None:
        """Accepts what waits in the backlog, and refuses what comes later: who connected in time is not reset."""
        pending = self._accept_pending()
        self._close_socket()
        for connection in pending:
            await asyncio.get_running_loop().connect_accepted_socket(self._connection, connection)

    def end_idle(self) -> None:
        """Ends idle connections with a FIN; the others end with their answer."""
        for connection in tuple(self._shared.connections):
            connection.shutdown()

    async def empty(self) -> None:
        """Returns when `is_empty`."""
        while not self.is_empty:  # noqa: ASYNC110  # uvicorn's protocols keep plain sets and tell nobody
            await anyio.sleep(_LOOK_EVERY)

    async def abandon(self) -> None:
        """Ends at once what is left."""
        self._close_socket()
        for connection in tuple(self._shared.connections):
            connection.transport.abort()
        tasks = tuple(self._shared.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CANCEL_TIMEOUT)
        await asyncio.sleep(0)  # the transports tell their protocols

    def _connection(self) -> asyncio.Protocol:
        return self._config.http_protocol_class(  # type: ignore[call-arg]  # uvicorn's own call, and its own ignore
            config=self._config, server_state=self._shared, app_state={}, _loop=asyncio.get_running_loop()
        )

    def _accept_pending(self) -> list[socket.socket]:
        pending: list[socket.socket] = []
        while True:
            try:
                connection, _ = self._sock.accept()
            except ConnectionAbortedError:
                continue
            except OSError:  # none waits any more, or there is no descriptor for it
                return pending
            connection.setblocking(False)
            pending.append(connection)

    def _close_socket(self) -> None:
        if self._server is not None:
            self._server.close()
        self._sock.close()


def traffic_listener(sock: socket.socket, app: ASGIApp, shared: TrafficState) -> Listener:
    """The listener of the traffic port."""
    return Listener(sock, _config(app), shared)


def operators_listener(sock: socket.socket, app: ASGIApp) -> Listener:
    """The listener of the operators' port."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Listener(sock, _config(app), TrafficState(operators_limits(descriptors), port="operators"))


def _config(app: ASGIApp) -> Config:
    return Config(
        app,
        http=GatewayProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # who is trusted is the application's affair
        interface="asgi3",
    )
