"""What a load run has seen. Every request asked for is in exactly one of: answered, failed, given up, not sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter


@dataclass(frozen=True, slots=True)
class Ended:
    """One request that was answered to the end or failed."""

    seconds: float  # from connecting to the last byte
    status: int | None = None  # None: it failed, and `error` says how
    size: int = 0  # bytes of the answer's body, as they came over the wire
    pod: str | None = None  # who answered, where the gateway says so
    error: str = ""

    @property
    def is_good(self) -> bool:
        """Answered with a 2xx."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class PodCount:
    """What the operators' port told of the run."""

    served: Counter[str]  # by name of the pod, since the run began
    most_ready: int  # pods at one time
    trouble: str = ""  # why it could not be read, when it last could not


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The run as it ended, by itself or by an interrupt."""

    asked: int
    seconds: float  # from the first request to the end of the last
    ended: tuple[Ended, ...]
    given_up: int = 0  # sent, and abandoned when the run was interrupted
    pods: PodCount | None = None

    @property
    def answered(self) -> list[Ended]:
        """With any status."""
        return [one for one in self.ended if one.status is not None]

    @property
    def failed(self) -> list[Ended]:
        """Without an answer."""
        return [one for one in self.ended if one.status is None]

    @property
    def not_sent(self) -> int:
        """Asked for, and not begun when the run was interrupted."""
        return self.asked - len(self.ended) - self.given_up

    @property
    def interrupted(self) -> bool:
        """Not all that was asked for has ended."""
        return len(self.ended) < self.asked

    @property
    def is_good(self) -> bool:
        """Every request asked for was answered with a 2xx."""
        return not self.interrupted and all(one.is_good for one in self.ended)
