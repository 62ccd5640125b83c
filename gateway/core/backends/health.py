"""Counts failed starts and refused connections, and decides when waiting for a pool is pointless."""

from __future__ import annotations

from dataclasses import dataclass

#: Seconds a backend stays suspect after its n-th refused connection in a row.
SUSPECT_FOR = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)

#: Starts that must die in a row before waiting is pointless.
FAIL_FAST_AFTER = 3

#: Seconds that a page which tells of the start is counted on after it has asked last. Browsers let the timers of a
#: page in the background run once a minute.
WATCHED_FOR = 90.0


def suspect_seconds(refusals: int) -> float:
    """How long a backend is left alone after so many refusals in a row (1 or more)."""
    return SUSPECT_FOR[min(refusals, len(SUSPECT_FOR)) - 1]


@dataclass(slots=True)
class Starts:
    """A pool's starts. While they fail, arrivals during the back-off are refused at once but remembered as demand for
    one attempt: without demand no attempt is made."""

    failures: int = 0  # in a row
    evidence: str = ""
    next_at: float = 0.0
    wanted: bool = False
    watched_until: float | None = None  # somebody looks at a page that tells of the start, instead of waiting in line

    def failed(self, evidence: str, next_at: float) -> None:
        """A start died; the next attempt is possible at `next_at`."""
        self.failures += 1
        self.evidence = evidence
        self.next_at = next_at
        self.wanted = False

    def succeeded(self) -> None:
        """The first success clears everything."""
        self.failures, self.evidence, self.wanted = 0, "", False

    def expire(self, now: float) -> None:
        """Nobody has asked for the page for so long that nobody looks at it any more."""
        if self.watched_until is not None and self.watched_until <= now:
            self.watched_until = None

    def is_hopeless(self, now: float) -> bool:
        """The last three starts died and the next attempt is not due."""
        return self.failures >= FAIL_FAST_AFTER and now < self.next_at
