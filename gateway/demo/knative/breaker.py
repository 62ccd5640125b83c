"""The queue-proxy's breaker: so many requests at work, ten times as many waiting, and no more (pkg/queue/breaker.go of
Knative Serving). First come, first served, which the real one is only nearly."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: How many may wait for each that may work.
DEPTH = 10


class QueueFull(Exception):
    """Nothing was started."""


class Breaker:
    """`limit` 0: no limit, and nobody waits."""

    def __init__(self, limit: int) -> None:
        self._places = limit * (1 + DEPTH)
        self._limit = limit
        self._work = asyncio.Semaphore(limit or 1)
        self.here = 0  # at work and waiting

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one. Raises QueueFull."""
        if self._limit and self.here >= self._places:
            raise QueueFull
        self.here += 1
        try:
            if self._limit:
                async with self._work:
                    yield
            else:
                yield
        finally:
            self.here -= 1
