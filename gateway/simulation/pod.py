"""A pod as it really is, whatever the gateway believes: what it works on, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gateway.simulation.loop import Loop


class Employer(Protocol):
    """The giver of a pod's work. It may have lost interest: the pod does not know."""

    def done(self) -> None:
        """The answer is whole."""

    def broke(self) -> None:
        """The pod has died."""


@dataclass(slots=True, eq=False)
class _Work:
    employer: Employer
    takes_slot: bool
    late_by: float  # seconds for which the pod has stood still meanwhile


class Pod:
    """Works on whatever it is given, even if that is too much: then it counts it."""

    def __init__(self, identity: str, limit: int, loop: Loop) -> None:
        self.identity = identity
        self.limit = limit
        self.is_ready = False
        self.is_alive = True
        self.double_runs = 0
        self._loop = loop
        self._works: dict[_Work, None] = {}
        self._frozen_until = 0.0

    @property
    def at_work(self) -> int:
        """Requests that take a slot each."""
        return sum(work.takes_slot for work in self._works)

    @property
    def is_frozen(self) -> bool:
        """It stands still: it takes connections, and answers nothing."""
        return self._loop.now < self._frozen_until

    def freeze(self, seconds: float) -> None:
        """It stands still for so long, and everything it works on takes longer by that."""
        until = self._loop.now + seconds
        added = until - max(self._frozen_until, self._loop.now)
        if added > 0:
            self._frozen_until = until
            for work in self._works:
                work.late_by += added

    def begin(self, employer: Employer, seconds: float, *, takes_slot: bool) -> None:
        """It works for so many seconds to the end, even if its employer leaves meanwhile."""
        work = _Work(employer, takes_slot, max(0.0, self._frozen_until - self._loop.now))
        self._works[work] = None
        self.double_runs += takes_slot and 0 < self.limit < self.at_work
        self._loop.after(seconds, lambda: self._finish(work))

    def die(self) -> None:
        """All its work is lost."""
        self.is_alive = self.is_ready = False
        works, self._works = self._works, {}
        for work in works:
            work.employer.broke()

    def _finish(self, work: _Work) -> None:
        if work not in self._works:
            return
        if work.late_by:
            seconds, work.late_by = work.late_by, 0.0
            self._loop.after(seconds, lambda: self._finish(work))
            return
        del self._works[work]
        work.employer.done()
