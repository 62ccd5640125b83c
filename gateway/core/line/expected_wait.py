"""Medians of what was measured, what they make one expect, and the Retry-After that a refusal carries."""

from __future__ import annotations

import heapq
import math
import statistics
from collections import OrderedDict, deque

#: Retry-After, in whole seconds: bounds, and the answer while nothing was measured.
RETRY_MIN, RETRY_MAX, RETRY_UNKNOWN = 1, 600, 10

#: Measurements of which a median is taken, of everything and of one model; models that are remembered.
_MEASURED, _OF_MODEL, _MODELS = 100, 30, 256

#: A turn takes so many seconds at least, as far as this is concerned.
_SHORTEST = 0.001


class Median:
    """Of the latest measurements. None: there is none."""

    def __init__(self, of: int) -> None:
        self.value: float | None = None
        self._measured: deque[float] = deque(maxlen=of)

    def add(self, seconds: float) -> None:
        """One more."""
        self._measured.append(seconds)
        self.value = statistics.median(self._measured)


class Estimates:
    """Medians of work, of each model's work, and of cold starts. Unknown is None, not a guess."""

    def __init__(self) -> None:
        self._service = Median(_MEASURED)
        self._cold_start = Median(_MEASURED)
        self._of_model: OrderedDict[str, Median] = OrderedDict()

    def served(self, seconds: float, model: str | None = None) -> None:
        """A counted request, for this model, was answered well."""
        self._service.add(seconds)
        if model is None:
            return
        median = self._of_model.setdefault(model, Median(_OF_MODEL))
        median.add(seconds)
        self._of_model.move_to_end(model)
        if len(self._of_model) > _MODELS:
            self._of_model.popitem(last=False)

    def warmed(self, seconds: float) -> None:
        """Demand met no ready backend, and so long later there was one."""
        self._cold_start.add(seconds)

    @property
    def service(self) -> float | None:
        """Median seconds of work."""
        return self._service.value

    def service_of(self, model: str | None) -> float | None:
        """Median seconds of work for this model; of all work where nothing was measured of the model."""
        median = self._of_model.get(model) if model is not None else None
        return self.service if median is None else median.value

    @property
    def cold_start(self) -> float | None:
        """Median seconds from demand to the first ready backend."""
        return self._cold_start.value


def begins_in(ahead: int, slots: list[float], service: float) -> float:
    """Seconds until a request with `ahead` others before it begins. `slots`: in how many seconds each is free for the
    first time, at least one; whoever takes one keeps it for `service` seconds. O((slots + ahead) log slots) until all
    slots have begun; from there on it does not matter how many are ahead."""
    service, latest = max(service, _SHORTEST), max(slots)
    begun = sum(int((latest - first) / service) + 1 for first in slots)  # until the last slot has begun its first
    if ahead >= begun:
        rounds, place = divmod(ahead - begun, len(slots))
        rest = sorted(service - (latest - first) % service for first in slots)
        return latest + rounds * service + rest[place]
    free = list(slots)
    heapq.heapify(free)
    for _ in range(ahead):
        heapq.heapreplace(free, free[0] + service)
    return free[0]


def retry_after(expected_wait: float | None) -> int:
    """Whole seconds for the Retry-After header."""
    if expected_wait is None:
        return RETRY_UNKNOWN
    return max(RETRY_MIN, min(RETRY_MAX, math.ceil(expected_wait)))
