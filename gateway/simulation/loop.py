"""Virtual time: a queue of what is going to happen, by time and then in the order it was asked for. Nothing sleeps."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Loop:
    """A clock that jumps from one happening to the next. Times are seconds from 0."""

    def __init__(self) -> None:
        self.now = 0.0
        self._happenings: list[tuple[float, int, Callable[[], object]]] = []
        self._asked = 0  # makes equal times happen in order

    def at(self, time: float, happening: Callable[[], object]) -> None:
        """Let it happen then; at once, after what is due already, if that time has passed."""
        self._asked += 1
        heapq.heappush(self._happenings, (max(time, self.now), self._asked, happening))

    def after(self, seconds: float, happening: Callable[[], object]) -> None:
        """Let it happen so many seconds from now."""
        self.at(self.now + seconds, happening)

    def run(self, until: float) -> None:
        """Everything that is due by `until`, and what comes of it."""
        while self._happenings and self._happenings[0][0] <= until:
            self.now, _, happening = heapq.heappop(self._happenings)
            happening()
        self.now = until
