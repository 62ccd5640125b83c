"""Concurrency second by second: the exact time-weighted average of the number of requests.

Remembers whole seconds until they are taken, and no more than the longest window's worth. Never decides anything.
"""

from __future__ import annotations

import math
from collections import deque

#: Seconds kept for a reader who does not come: the longest window there is (one hour).
MOST_SECONDS = 3600


class TimeWeighted:
    """A level that changes now and then, and its average over each whole second of the clock.

    Nothing is known before the level first leaves 0 (or after `forget` while it is 0). A second that is not known from
    its beginning is averaged together with the one after it, and counts as that one: otherwise a last millisecond with
    the first of five arrivals in it would weigh as much as the whole second with all of them.
    """

    def __init__(self) -> None:
        self.level = 0
        self._is_known = False
        self._second = 0  # the running one
        self._since = 0.0  # what is averaged under it begins here
        self._area = 0.0  # level x seconds, from there to the last change
        self._weighed_to = 0.0
        self._ended: deque[tuple[int, float]] = deque(maxlen=MOST_SECONDS)

    def set(self, now: float, level: int) -> None:
        """The level is `level` from here on. O(1), and nothing at all if it has not changed."""
        if level == self.level:
            return
        if self._is_known:
            self._advance(now)
        else:
            self._begin(now)
        self.level = level

    def seconds(self, now: float) -> list[tuple[int, float]]:
        """Take every whole second that has ended and was not taken yet, oldest first: (second, average)."""
        self._advance(now)
        taken = list(self._ended)
        self._ended.clear()
        return taken

    def running(self, now: float) -> tuple[int, float]:
        """The running second and its average so far: the level itself if none of it has passed."""
        if not self._is_known:
            return math.floor(now), 0.0
        self._advance(now)
        elapsed = now - self._since
        return self._second, self._area / elapsed if elapsed > 0 else float(self.level)

    def forget(self, now: float) -> None:
        """The past is as if it had not been: the level it has now is the first one known."""
        self._ended.clear()
        self._is_known = False
        if self.level:
            self._begin(now)

    def _begin(self, now: float) -> None:
        self._is_known = True
        self._second = math.ceil(now)
        self._since = self._weighed_to = now
        self._area = 0.0

    def _advance(self, now: float) -> None:
        """Close the seconds that have ended; weigh what is over of the running one."""
        if not self._is_known:
            return
        second = math.floor(now)
        if second > self._second:
            self._weigh(self._second + 1)
            self._ended.append((self._second, self._area / (self._second + 1 - self._since)))
            whole = range(max(self._second + 1, second - MOST_SECONDS), second)
            self._ended.extend((s, float(self.level)) for s in whole)
            self._begin(second)
        self._weigh(now)

    def _weigh(self, now: float) -> None:
        self._area += self.level * (now - self._weighed_to)
        self._weighed_to = now
