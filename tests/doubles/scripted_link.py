"""Connections to the autoscaler as a test wants them: refused, open for a while, lost."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from gateway.knative.link import LinkLost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class ScriptedConnection:
    """Open until the test says that it is lost. Takes no frame while it is `full`."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self._loss: LinkLost | None = None
        self._is_lost = anyio.Event()
        self._has_room = anyio.Event()
        self._has_room.set()
        self.asked = 0
        self.is_answering = True

    async def ask(self) -> None:
        self.asked += 1

    async def send(self, frame: bytes) -> None:
        await self._has_room.wait()
        if self._loss is not None:
            raise self._loss
        self.frames.append(frame)

    async def lost(self) -> None:
        await self._is_lost.wait()
        assert self._loss is not None
        raise self._loss

    def loses(self, why: str = "reset", *, restarting: bool = False) -> None:
        self._loss = LinkLost(why, restarting=restarting)
        self._is_lost.set()

    def is_full(self) -> None:
        self._has_room = anyio.Event()

    def has_room(self) -> None:
        self._has_room.set()


class ScriptedAutoscaler:
    """Refuses the first so many attempts, and then takes all."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.asked_at: list[float] = []
        self.connections: list[ScriptedConnection] = []
        self.closed = 0

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[ScriptedConnection]:
        self.asked_at.append(round(anyio.current_time(), 3))
        if len(self.asked_at) <= self.refusals:
            raise LinkLost("refused")
        connection = ScriptedConnection()
        self.connections.append(connection)
        try:
            yield connection
        finally:
            self.closed += 1
