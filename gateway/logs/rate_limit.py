"""How much may be said of one thing: the same line once in a while, lines of one kind not without end. Pure: what is
said it is told, with the time; it answers whether that may be written, and what was swallowed before.

Bounded whatever happens: it remembers the latest lines by their hashes, and a few numbers for each kind; kinds are
words of ours.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

#: Seconds after which the same may be said again.
PERIOD = 10.0
#: Different lines of one kind within so many seconds: a hundred pods that fail together are one story.
MOST = 20
#: Lines that are remembered.
REMEMBERED = 1024


@dataclass(slots=True)
class _Kind:
    began: float  # its period
    written: int = 0  # in this period
    swallowed: int = 0  # since the last one that was written


class LogRateLimit:
    """One for all that is said."""

    def __init__(self, period: float = PERIOD, most: int = MOST, remembered: int = REMEMBERED) -> None:
        self._period = period
        self._most = most
        self._remembered = remembered
        self._kinds: dict[str, _Kind] = {}
        self._written: OrderedDict[int, float] = OrderedDict()  # when a line, by its hash, was written last

    def admit(self, kind: str, line: int, now: float) -> int | None:
        """`line`: a hash of what makes it the same as another of its kind. None: it is not to be written; else how many
        of its kind were not since the last one that was."""
        told = self._kinds.get(kind)
        if told is None or now - told.began >= self._period:
            swallowed = told.swallowed if told is not None else 0
            told = self._kinds[kind] = _Kind(now, swallowed=swallowed)
        if told.written >= self._most or now - self._written.get(line, -self._period) < self._period:
            told.swallowed += 1
            return None
        self._remember(line, now)
        told.written += 1
        swallowed, told.swallowed = told.swallowed, 0
        return swallowed

    def _remember(self, line: int, now: float) -> None:
        self._written[line] = now
        self._written.move_to_end(line)
        if len(self._written) > self._remembered:
            self._written.popitem(last=False)
