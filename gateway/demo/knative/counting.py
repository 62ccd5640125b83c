"""What the stand-in of the queue-proxy tells of its pod, as the real one does each second: time-weighted averages since
it was asked last, and the part of them that an activator tells of, too."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PodStatistics:
    """Since they were taken last."""

    average_concurrent_requests: float
    average_proxied_concurrent_requests: float
    request_count: float
    proxied_request_count: float


class _Level:
    """Requests that are here, their average, and how many have come."""

    def __init__(self) -> None:
        self.here = self.came = 0
        self._area = 0.0

    def weigh(self, passed: float) -> None:
        self._area += self.here * passed

    def take(self, elapsed: float) -> tuple[float, float]:
        average, came = self._area / elapsed if elapsed else 0.0, self.came
        self._area, self.came = 0.0, 0
        return average, float(came)


class RequestCounting:
    """All requests, and those that were proxied."""

    def __init__(self) -> None:
        self._all = _Level()
        self._proxied = _Level()
        self._taken_at = self._weighed_to = time.monotonic()

    def enters(self, *, proxied: bool) -> None:
        """A request is here."""
        self._weigh()
        for level in self._levels(proxied):
            level.here += 1
            level.came += 1

    def leaves(self, *, proxied: bool) -> None:
        """It is gone."""
        self._weigh()
        for level in self._levels(proxied):
            level.here -= 1

    def take(self) -> PodStatistics:
        """And begin anew."""
        self._weigh()
        elapsed = self._weighed_to - self._taken_at
        self._taken_at = self._weighed_to
        average, came = self._all.take(elapsed)
        proxied_average, proxied_came = self._proxied.take(elapsed)
        return PodStatistics(average, proxied_average, came, proxied_came)

    def _levels(self, proxied: bool) -> list[_Level]:
        return [self._all, self._proxied] if proxied else [self._all]

    def _weigh(self) -> None:
        now = time.monotonic()
        for level in (self._all, self._proxied):
            level.weigh(now - self._weighed_to)
        self._weighed_to = now
