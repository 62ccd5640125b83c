"""Bound sockets, the connections accepted from them, and the tasks of their requests: how they start and end.

Both ports are a `Listener` of `GatewayProtocol`, each with bounds of its own: whoever floods the one takes nothing from
the other. `lifecycle.py` decides when to stop.
"""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import socket
from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING

import anyio
from uvicorn import Config

from gateway.core.records.networks import host_and_port
from gateway.server.limits import operators_limits
from gateway.server.protocol import GatewayProtocol
from gateway.server.state import TrafficState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from starlette.types import ASGIApp

#: Connections that wait to be accepted; as uvicorn, and cut by the kernel to net.core.somaxconn.
_BACKLOG = 2048

#: Seconds between two looks whether everything has ended. Only while stopping.
_LOOK_EVERY = 0.02

#: Seconds for cancelled requests to end.
_CANCEL_TIMEOUT = 1.0


#: Every address of both families, and every one of IPv4.
_ALL, _ALL_IPV4 = "::", "0.0.0.0"

#: So the system says that it has no IPv6: not built in, or turned off.
_NO_IPV6 = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


class CannotListen(Exception):
    """The address cannot be listened on. `reason` is the system's message."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"cannot listen on {host_and_port(host, port)}: {reason}")
        self.host = host
        self.port = port
        self.reason = reason


def bind(hosts: Iterable[str], port: int) -> list[socket.socket]:
    """Listening sockets (port 0: any free port, the same for all). Connections wait in their backlogs until a listener
    starts. "::" takes IPv4, too, on a socket of its own, so that no client has an address of both kinds; where the
    machine has no IPv6, IPv4 alone. A name stands for its first address.

    Raises `CannotListen`, with every socket closed.
    """
    with ExitStack() as stack:
        bound: list[socket.socket] = []
        for host in dict.fromkeys(
            chain.from_iterable((_ALL, _ALL_IPV4) if each == _ALL else (each,) for each in hosts)
        ):
            try:
                sock = stack.enter_context(_listening(host, port))
            except OSError as error:
                if host == _ALL and error.errno in _NO_IPV6:
                    continue
                raise CannotListen(host, port, _reason(error)) from error
            port = sock.getsockname()[1]
            bound.append(sock)
        stack.pop_all()
        return bound


def _listening(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    sock = socket.create_server(address, family=family, backlog=_BACKLOG)
    sock.setblocking(False)
    return sock


def _reason(error: OSError) -> str:
    """In the kernel's words where it has any: Python's own repeat the address."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)


class Listener:
    """Owns `sockets`, of which there is at least one, from its construction on."""

    def __init__(self, sockets: Sequence[socket.socket], config: Config, shared: TrafficState) -> None:
        config.load()
        self.addresses: list[tuple[str, int]] = [each.getsockname()[:2] for each in sockets]
        self._sockets = sockets
        self._config = config
        self._shared = shared
        self._servers: list[asyncio.Server] = []

    @property
    def is_empty(self) -> bool:
        """No connection and no request is left."""
        return not (self._shared.connections or self._shared.tasks)

    async def start(self) -> None:
        """Accepts connections."""
        loop = asyncio.get_running_loop()
        for sock in self._sockets:
            self._servers.append(await loop.create_server(self._connection, sock=sock, backlog=_BACKLOG))

    async def stop_listening(self) -> None:
        """Accepts what waits in the backlog, and refuses what comes later: who connected in time is not reset."""
        pending = [connection for sock in self._sockets for connection in _accept_pending(sock)]
        self._close_sockets()
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
        self._close_sockets()
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

    def _close_sockets(self) -> None:
        for server in self._servers:
            server.close()
        for sock in self._sockets:
            sock.close()


def _accept_pending(sock: socket.socket) -> list[socket.socket]:
    pending: list[socket.socket] = []
    while True:
        try:
            connection, _ = sock.accept()
        except ConnectionAbortedError:
            continue
        except OSError:  # none waits any more, or there is no descriptor for it
            return pending
        connection.setblocking(False)
        pending.append(connection)


def traffic_listener(sockets: Sequence[socket.socket], app: ASGIApp, shared: TrafficState) -> Listener:
    """The listener of the traffic port."""
    return Listener(sockets, _config(app), shared)


def operators_listener(sockets: Sequence[socket.socket], app: ASGIApp) -> Listener:
    """The listener of the operators' port."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Listener(sockets, _config(app), TrafficState(operators_limits(descriptors), port="operators"))


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
