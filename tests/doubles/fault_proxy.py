"""Stands between the gateway and a pod, as a network does, and breaks connections at a given byte.

It passes bytes on at once or not at all: what it has not passed on when a connection ends is lost, never late.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import math
import socket
import struct
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.doubles.fault_pod import FaultPod

_Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_PIECE = 65536
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset


class Act(enum.Enum):
    """What becomes of a connection."""

    RESET = enum.auto()  # both ends of it
    CLOSE = enum.auto()  # politely
    MUTE = enum.auto()  # nothing passes any more, either way, until somebody leaves


@dataclass(frozen=True, slots=True)
class Fault:
    """It happens when so many bytes have passed: of what the gateway says, or of what the pod says."""

    act: Act
    said: float = math.inf
    answered: float = math.inf
    to: bytes = b""  # only to connections whose first bytes hold this


class FaultProxy:
    """In front of one pod. `faults` may change at any time; what is open is under the one it began with."""

    def __init__(self, pod: FaultPod) -> None:
        self.pod = pod
        self.faults: list[Fault] = []  # the first that fits a connection is the one
        self.struck = 0  # connections that one has happened to
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """What the gateway takes for the pod."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def open(self) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1000)

    async def close(self) -> None:
        """End everything."""
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            first = await reader.read(_PIECE)
            fault = next((each for each in self.faults if each.to in first), None)
            to_pod = await asyncio.open_connection("127.0.0.1", self.pod.port)
            await _Passage((reader, writer), to_pod, fault).run(first, self._strikes)
        except (OSError, asyncio.CancelledError):
            pass  # one of the two has left, or the proxy is being closed
        finally:
            self._tasks.discard(task)
            writer.close()

    def _strikes(self) -> None:
        self.struck += 1


class _Passage:
    """One connection, both halves of it."""

    def __init__(self, near: _Ends, far: _Ends, fault: Fault | None) -> None:
        self._near = near
        self._far = far
        self._fault = fault
        self._struck = asyncio.Event()

    async def run(self, first: bytes, strikes: Callable[[], None]) -> None:
        """To its end, whoever brings it about. `first`: what was read of the request already."""
        fault = self._fault
        up = self._pass(first, self._near[0], self._far[1], fault.said if fault else math.inf)
        down = self._pass(b"", self._far[0], self._near[1], fault.answered if fault else math.inf)
        tasks = [asyncio.ensure_future(task) for task in (up, down, self._struck.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        try:
            if self._struck.is_set():
                strikes()
                await self._act()
        finally:
            self._far[1].close()

    async def _pass(
        self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: float
    ) -> None:
        data = first or await reader.read(_PIECE)
        while data:
            allowed = data if len(data) <= most else data[: int(most)]
            most -= len(allowed)
            writer.write(allowed)
            await writer.drain()
            if len(allowed) < len(data) or most <= 0:
                self._struck.set()
                await asyncio.Event().wait()
            data = await reader.read(_PIECE)

    async def _act(self) -> None:
        assert self._fault is not None
        if self._fault.act is Act.RESET:
            for _, writer in (self._near, self._far):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
                writer.transport.abort()
        elif self._fault.act is Act.MUTE:
            with contextlib.suppress(ConnectionError):
                while await self._near[0].read(_PIECE):
                    pass


@asynccontextmanager
async def fault_proxy(pod: FaultPod) -> AsyncIterator[FaultProxy]:
    """One, open, in front of `pod`."""
    proxy = FaultProxy(pod)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()
