"""The autoscaler's windows: averages over the last seconds, and the maximum of its last decisions.

Both follow Knative Serving to the digit: pkg/autoscaler/aggregation/bucketing.go (averages) and
pkg/autoscaler/aggregation/max (maximum). Times are seconds on any one clock; a bucket is one whole second of it.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Literal

Aggregation = Literal["linear", "weighted-exponential"]

#: Digits of a linear average: beyond them it is noise of adding and subtracting.
PRECISION = 6
#: A weighted average gives its newest second at least this much; short windows leave no more than so much outside.
LEAST_SMOOTHING = 0.2
LEFT_OUTSIDE = 0.0001
#: The second of the newest datum when there is none: longer ago than any window reaches.
NEVER = -(1 << 62)
#: Seconds a wish is filed under together: Knative evaluates every 2 s.
WISH_GRANULARITY = 2


class BucketedAverage:
    """The average, over a window of `window` seconds, of what was recorded.

    The first seconds average over the part that has data; missing seconds within it count as 0; silence at its end
    shortens it. Recording is O(1) amortised, a linear average O(seconds of silence), a weighted one O(window).
    """

    def __init__(self, window: int, aggregation: Aggregation = "linear") -> None:
        self._buckets = [0.0] * window
        self._aggregation = aggregation
        self._total = 0.0
        self._first = NEVER  # oldest second with data; may lie before the window
        self._last = NEVER  # newest second with data

    def record(self, now: float, value: float) -> None:
        """Add `value` to the second of `now`. What is a whole window older than the newest is dropped."""
        second, size = math.floor(now), len(self._buckets)
        if second <= self._last - size:
            return
        if second >= self._last + size:
            self._buckets = [0.0] * size
            self._total = 0.0
            self._first = self._last = second
        elif second > self._last:
            self._vacate(second)
            self._last = second
        self._first = min(self._first, second)
        self._buckets[second % size] += value
        self._total += value

    def average(self, now: float) -> float:
        """The average as of `now`; 0 if the window holds nothing."""
        silence = self._silence(now)
        if silence >= len(self._buckets):
            return 0.0
        return self._linear(silence) if self._aggregation == "linear" else self._weighted(silence)

    def is_empty(self, now: float) -> bool:
        """Nothing was recorded, or the newest is older than the window."""
        return self._silence(now) > len(self._buckets)

    def clear(self) -> None:
        """Forget everything."""
        self._last = NEVER

    def resize(self, window: int, aggregation: Aggregation) -> None:
        """Another window or way of averaging from here on; the newest seconds are kept."""
        self._aggregation = aggregation
        old, self._buckets = self._buckets, [0.0] * window
        kept = range(self._last - min(window, len(old)) + 1, self._last + 1)
        for second in kept:
            self._buckets[second % window] = old[second % len(old)]
        self._total = math.fsum(self._buckets)
        self._first = max(self._first, kept[0])

    def _silence(self, now: float) -> int:
        return max(0, math.floor(now) - self._last)

    def _vacate(self, second: int) -> None:
        """Empty the buckets that the seconds up to `second` will need."""
        for passed in range(self._last + 1, second + 1):
            index = passed % len(self._buckets)
            self._total -= self._buckets[index]
            self._buckets[index] = 0.0

    def _linear(self, silence: int) -> float:
        size = len(self._buckets)
        aged = range(self._last + 1, self._last + 1 + silence)  # these would have taken the oldest ones' buckets
        total = self._total - sum(self._buckets[second % size] for second in aged)
        seconds = min(self._last - self._first + 1, size - silence)
        scale: int = 10**PRECISION
        return math.floor(total / seconds * scale + 0.5) / scale  # half away from zero, as Go rounds

    def _weighted(self, silence: int) -> float:
        size = len(self._buckets)
        smoothing = max(1 - LEFT_OUTSIDE ** (1 / size), LEAST_SMOOTHING)
        weight = smoothing * (1 - smoothing) ** silence
        average = 0.0
        for second in range(self._last, self._last - size + silence, -1):
            average += self._buckets[second % size] * weight
            weight *= 1 - smoothing
        return average


class SlidingMaximum:
    """The largest of the wishes of the last `delay` seconds: what a scale-down delay holds on to. O(1) amortised."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self._wishes: deque[tuple[int, int]] = deque()  # (period, wish): periods rise, wishes fall

    def record(self, now: float, wish: int) -> int:
        """File a wish; the largest within the delay."""
        period = math.floor(now) // WISH_GRANULARITY
        periods = math.ceil(self.delay / WISH_GRANULARITY)
        while self._wishes and self._wishes[0][0] <= period - periods:
            self._wishes.popleft()
        while self._wishes and self._wishes[-1][1] <= wish:
            self._wishes.pop()
        self._wishes.append((period, wish))
        return self._wishes[0][1]

    def clear(self) -> None:
        """Forget everything."""
        self._wishes.clear()
