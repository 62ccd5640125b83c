"""Rate limit of log lines: the same line once in a period, and a bounded number of lines of one kind in a period. Pure:
it is given each line with the time, and answers whether to write it.

Its memory is bounded: hashes of the latest lines, and a few numbers for each kind; kinds are event names.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

#: Seconds after which the same line may be written again.
PERIOD = 10.0
#: Different lines of one kind in a period: a hundred pods that fail together are one story.
MOST = 20
#: Lines whose hashes are remembered.
REMEMBERED = 1024


@dataclass(slots=True)
class _Kind:
    began: float  # when its period began
    written: int = 0  # in this period
    suppressed: int = 0  # since the last line that was written


class LogRateLimit:
    """The limit for all lines of a log."""

    def __init__(self, period: float = PERIOD, most: int = MOST, remembered: int = REMEMBERED) -> None:
        self._period = period
        self._most = most
        self._remembered = remembered
        self._kinds: dict[str, _Kind] = {}
        self._written: OrderedDict[int, float] = OrderedDict()  # when a line, by its hash, was written last

    def admit(self, kind: str, line: int, now: float) -> int | None:
        """`line`: a hash, equal for lines that count as the same. None: do not write the line. Else the number
        of lines of its kind that were suppressed since the last one that was written."""
        state = self._kinds.get(kind)
        if state is None or now - state.began >= self._period:
            suppressed = state.suppressed if state is not None else 0
            state = self._kinds[kind] = _Kind(now, suppressed=suppressed)
        if state.written >= self._most or now - self._written.get(line, -self._period) < self._period:
            state.suppressed += 1
            return None
        self._remember(line, now)
        state.written += 1
        suppressed, state.suppressed = state.suppressed, 0
        return suppressed

    def _remember(self, line: int, now: float) -> None:
        self._written[line] = now
        self._written.move_to_end(line)
        if len(self._written) > self._remembered:
            self._written.popitem(last=False)
