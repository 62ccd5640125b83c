"""The arithmetic of measurements. Pure."""

from __future__ import annotations

import itertools
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: When a pod began a piece of work and when it was done with it, in seconds on the pod's own clock.
Stint = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Spread:
    """One figure from several runs: the median counts, the rest tells how far to trust it."""

    values: tuple[float, ...]  # in the order of the runs; never empty

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    @property
    def least(self) -> float:
        """The lowest run's."""
        return min(self.values)

    @property
    def most(self) -> float:
        """The highest run's."""
        return max(self.values)


def spread(values: Iterable[float | None]) -> Spread | None:
    """None if any run could not tell, or if there was none."""
    told = list(values)
    known = [value for value in told if value is not None]
    return Spread(tuple(known)) if known and len(known) == len(told) else None


def ratios(runs: Sequence[float], reference: Sequence[float]) -> list[float]:
    """Each run over the reference's of the same round, so that what slows the machine for a while slows both."""
    return [value / known for value, known in zip(runs, reference, strict=True)]


def idle_gaps(pods: Iterable[Sequence[Stint]]) -> list[float]:
    """How long pods had nothing to do between two pieces of work, in seconds, ascending.

    Stints that overlap make a gap below zero: such a pod worked on two at once.
    """
    return sorted(begin - before for stints in pods for (_, before), (begin, _) in itertools.pairwise(sorted(stints)))
