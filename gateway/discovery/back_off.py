"""Back-off between attempts. No clock: `now` is an argument."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class BackOff:
    """Longer and longer: a delay in seconds for each failure in a row, the last one for all further ones.

    Attempts that were under way together and all fail are one failure: it is the attempts after that that were in vain.
    """

    def __init__(self, delays: Sequence[float]) -> None:
        self._delays = delays
        self._failures = 0
        self._failed_at = -math.inf
        self._until = -math.inf

    def failed(self, began: float, now: float) -> float:
        """An attempt that began at `began` has failed; the seconds until the next one."""
        if began >= self._failed_at:
            self._failures += 1
        delay = self._delays[min(self._failures, len(self._delays)) - 1]
        self._failed_at = now
        self._until = now + delay
        return delay

    def succeeded(self) -> None:
        """An attempt has succeeded: nothing to wait for, and the next failure is a first one."""
        self._failures = 0
        self._failed_at = self._until = -math.inf

    def is_over(self, now: float) -> bool:
        """The next attempt may be made."""
        return now >= self._until
