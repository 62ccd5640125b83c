"""The timer of a pool: wakes it when its next deadline is due. One task a pool, no polling."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable

#: The shortest sleep, in seconds: event loops round timers to the millisecond.
_TICK = 0.001


class DeadlineTimer:
    """`expire` is called when the time that `next_event` names has come; `look` after anything that may have
    brought it nearer."""

    def __init__(
        self, clock: Callable[[], float], next_event: Callable[[float], float], expire: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._next_event = next_event
        self._expire = expire
        self._armed = math.inf
        self._nearer: anyio.Event | None = None

    @property
    def is_idle(self) -> bool:
        """Whether the timer waits for nothing yet."""
        return self._armed == math.inf

    def look(self, now: float) -> None:
        """Something has changed: wake up earlier if need be. Cheap, synchronous."""
        if self._nearer is not None and self._next_event(now) < self._armed:
            self._nearer.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._nearer = anyio.Event()
            now = self._clock()
            self._armed = self._next_event(now)
            with anyio.move_on_after(max(_TICK, self._armed - now)):
                await self._nearer.wait()
            if self._clock() >= self._armed:
                self._expire()
