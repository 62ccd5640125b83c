"""Expected wait of a request, from medians of what was measured, and the Retry-After that a refusal carries."""

from __future__ import annotations

import math
import statistics
from collections import deque

#: Retry-After, in whole seconds: bounds, and the answer while nothing was measured.
RETRY_MIN, RETRY_MAX, RETRY_UNKNOWN = 1, 600, 10


class Estimates:
    """Medians of what was measured, and the wait they make one expect. Unknown is None, not a guess."""

    def __init__(self) -> None:
        self._service: deque[float] = deque(maxlen=100)
        self._cold_start: deque[float] = deque(maxlen=100)

    def served(self, seconds: float) -> None:
        """A counted request was answered whole."""
        self._service.append(seconds)

    def warmed(self, seconds: float) -> None:
        """Demand met no ready backend, and so long later there was one."""
        self._cold_start.append(seconds)

    @property
    def service(self) -> float | None:
        """Median seconds of work of the last hundred."""
        return statistics.median(self._service) if self._service else None

    @property
    def cold_start(self) -> float | None:
        """Median seconds from demand to the first ready backend."""
        return statistics.median(self._cold_start) if self._cold_start else None

    def wait(self, ahead: int, ready_slots: int) -> float | None:
        """Seconds that a request with `ahead` others before it is expected to wait. Without a ready slot the first
        one is expected to come after the median cold start."""
        service = self.service
        if service is None:
            return None
        if ready_slots:
            return (ahead + 1) * service / ready_slots
        cold = self.cold_start
        return None if cold is None else cold + (ahead + 1) * service


def retry_after(expected_wait: float | None) -> int:
    """Whole seconds for the Retry-After header."""
    if expected_wait is None:
        return RETRY_UNKNOWN
    return max(RETRY_MIN, min(RETRY_MAX, math.ceil(expected_wait)))
