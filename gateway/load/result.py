"""The result of a load run. Every planned request is exactly one of: answered, failed, given up, not sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import Counter


@dataclass(frozen=True, slots=True)
class RequestResult:
    """One request that was answered whole or failed."""

    seconds: float  # from connecting to the last byte
    status: int | None = None  # None: it failed, and `error` says how
    size: int = 0  # bytes of the answer's body, as they came over the wire
    pod: str | None = None  # from X-Backend, where the gateway sends it
    error: str = ""

    @property
    def is_good(self) -> bool:
        """Answered with a 2xx."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class PodCount:
    """What the operators' port said of the run."""

    served: Counter[str]  # by name of the pod, since the run began
    most_ready: int  # pods at one time
    error: str = ""  # of the last read, if that failed


@dataclass(frozen=True, slots=True)
class LoadResult:
    """A run that has ended, by itself or by an interrupt."""

    asked: int
    seconds: float  # from the first request to the end of the last
    ended: tuple[RequestResult, ...]
    given_up: int = 0  # sent, and abandoned when the run was interrupted
    pods: PodCount | None = None

    @property
    def answered(self) -> list[RequestResult]:
        """Requests that were answered, with any status."""
        return [one for one in self.ended if one.status is not None]

    @property
    def failed(self) -> list[RequestResult]:
        """Requests that failed without an answer."""
        return [one for one in self.ended if one.status is None]

    @property
    def not_sent(self) -> int:
        """Planned requests that had not begun when the run was interrupted."""
        return self.asked - len(self.ended) - self.given_up

    @property
    def interrupted(self) -> bool:
        """Not every planned request has ended."""
        return len(self.ended) < self.asked

    @property
    def is_good(self) -> bool:
        """Every planned request was answered with a 2xx."""
        return not self.interrupted and all(one.is_good for one in self.ended)
