"""Percentiles and histogram of latencies, as `hey` defines them. Pure; every function takes them in ascending order."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Bar:
    """The number of latencies up to `upper` and above the bar before."""

    upper: float
    count: int


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The first latency with at least `percent` per cent of all before it.

    Where hey finds none (the 99th of fifty) it prints nothing; here it is the slowest. Raises IndexError for no
    latencies.
    """
    before = -(-percent * len(ordered) // 100)  # rounded up
    return ordered[min(before, len(ordered) - 1)]


def histogram(ordered: Sequence[float], bars: int = 10) -> list[Bar]:
    """Bars of equal width from the fastest to the slowest; one bar if all are equal. Their counts add up to all."""
    if not ordered:
        return []
    fastest, slowest = ordered[0], ordered[-1]
    width = (slowest - fastest) / bars
    edges = [fastest + width * number for number in range(1, bars)] if width else []
    edges.append(slowest)  # exactly: a rounded sum could leave the slowest outside
    upto = [bisect_right(ordered, edge) for edge in edges]
    return [Bar(edge, here - before) for edge, here, before in zip(edges, upto, [0, *upto], strict=False)]
