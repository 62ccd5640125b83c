"""The manners in which a pod of the bench works on one request after the other: well, or as real ones fail."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

#: By how much of itself the work varies, either way. Pods that all worked equally long would fall into step, and what
#: is in front of them would be asked for four hand-overs at once, and then for none.
_VARIES = 0.1

#: Seconds in which a pod says that it cannot: one whose GPU is gone does not even begin.
_ERROR_AFTER = 0.02

#: The part of its work after which a pod breaks off.
_BREAKS_AFTER = 0.25


class End(enum.Enum):
    """What a client sees in the end."""

    ANSWER = "200"
    ERROR = "500"
    CLOSE = "the connection closed without an answer"


@dataclass(frozen=True, slots=True)
class Turn:
    """One request at a pod."""

    seconds: float
    end: End = End.ANSWER


def _well(work: float, chance: random.Random) -> Iterator[Turn]:
    while True:
        yield Turn(work * chance.uniform(1 - _VARIES, 1 + _VARIES))


def _error(work: float, chance: random.Random) -> Iterator[Turn]:
    while True:
        yield Turn(_ERROR_AFTER, End.ERROR)


def _break(work: float, chance: random.Random) -> Iterator[Turn]:
    while True:
        yield Turn(work * _BREAKS_AFTER, End.CLOSE)


def _flap(work: float, chance: random.Random) -> Iterator[Turn]:
    """Two bad, one good."""
    for good in _well(work, chance):
        yield Turn(_ERROR_AFTER, End.ERROR)
        yield Turn(_ERROR_AFTER, End.ERROR)
        yield good


#: By name. Given the seconds that the work takes, on average.
MANNERS: dict[str, Callable[[float, random.Random], Iterator[Turn]]] = {
    "well": _well,
    "error": _error,
    "break": _break,
    "flap": _flap,
}
