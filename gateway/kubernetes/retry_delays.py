"""Back-off between attempts: none after a first failure, then longer and longer, up to a bound."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds after the second failure in a row, doubled after each further one, and the most it comes to.
_FIRST = 1.0
_MOST = 30.0

#: No server's `Retry-After` is followed for longer.
_MOST_ASKED_FOR = 120.0


def spread(seconds: float) -> float:
    """Between half of it and all of it, by chance: so that clients which failed together do not return together."""
    return seconds * random.uniform(0.5, 1.0)


class RetryDelays:
    """Counts failures in a row. `jitter` is given a delay in seconds and makes it uneven."""

    def __init__(self, jitter: Callable[[float], float] = spread) -> None:
        self._jitter = jitter
        self._failures = 0

    def after_failure(self, asked_for: float = 0.0) -> float:
        """Seconds until the next try, and not fewer than the server asked for."""
        doublings = self._failures - 1
        delay = min(_FIRST * 2**doublings, _MOST) if doublings >= 0 else 0.0
        self._failures = min(self._failures + 1, 10)  # the bound is reached long before
        return max(self._jitter(delay), min(asked_for, _MOST_ASKED_FOR))

    def succeeded(self) -> None:
        """The next failure is a first one."""
        self._failures = 0
