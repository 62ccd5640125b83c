"""Serves the stand-in on a port of this machine, inside a loop that already runs; and lets it be away for a while."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

import anyio
import uvicorn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from anyio.abc import TaskGroup

    from gateway.demo.kube_api.api import KubeApi


class _Server(uvicorn.Server):
    """One that leaves the signals to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Serving:
    """The stand-in, at one address for as long as it is served."""

    def __init__(self, api: KubeApi, tasks: TaskGroup, port: int) -> None:
        self.port = port
        self._api = api
        self._tasks = tasks
        self._server: _Server | None = None
        self._stopped = anyio.Event()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen, again at the same port."""
        self._api.faults.resume_watches()
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen()
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(self._api.application(), lifespan="off", ws="none", access_log=False, log_config=None)
        self._server, self._stopped = _Server(config), anyio.Event()
        self._tasks.start_soon(self._serve, self._server, listener, self._stopped)

    async def stop(self) -> None:
        """Be away: connections break, new ones are refused."""
        assert self._server is not None
        self._server.should_exit = True
        self._api.faults.stop_watches()  # the server waits for them
        await self._stopped.wait()

    async def _serve(self, server: _Server, listener: socket.socket, stopped: anyio.Event) -> None:
        try:
            with listener:
                await server.serve(sockets=[listener])
        finally:
            stopped.set()


@contextlib.asynccontextmanager
async def serving(api: KubeApi, port: int = 0) -> AsyncIterator[Serving]:
    """Serve until the end of the block. `port` 0: any."""
    async with anyio.create_task_group() as tasks:
        served = Serving(api, tasks, port)
        await served.start()
        try:
            yield served
        finally:
            with anyio.CancelScope(shield=True):
                await served.stop()
