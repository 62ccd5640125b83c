"""How long a ticket waits, and how long it is expected to.

A pool has two clocks, of which exactly one runs: *cold* while no backend is ready, *warm* while one is. A ticket has
a deadline on each and, if the client set a limit of its own, one in real time. Deadlines on a stopped clock do not
come nearer, so a change of state re-keys nothing.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from typing import TYPE_CHECKING

from gateway.core.line.decisions import Reason
from gateway.core.line.queue import KeyedHeap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.core.line.ticket import Ticket

#: Retry-After, in whole seconds: bounds, and the answer while nothing was measured.
RETRY_MIN, RETRY_MAX, RETRY_UNKNOWN = 1, 600, 10

#: A deadline is over this many seconds early: sums of intervals do not come out to the last bit.
_ROUNDING = 1e-6


class TwoClocks:
    """Seconds this pool has been cold, and seconds it has been warm."""

    def __init__(self, now: float) -> None:
        self.is_cold = True
        self._since = now
        self._cold = 0.0
        self._warm = 0.0

    def cold(self, now: float) -> float:
        """Seconds the cold clock has run."""
        return self._cold + (now - self._since if self.is_cold else 0.0)

    def warm(self, now: float) -> float:
        """Seconds the warm clock has run."""
        return self._warm + (0.0 if self.is_cold else now - self._since)

    def switch(self, is_cold: bool, now: float) -> None:
        """From now on the other clock runs (or still the same)."""
        if is_cold != self.is_cold:
            self._cold, self._warm = self.cold(now), self.warm(now)
            self.is_cold, self._since = is_cold, now


class Deadlines:
    """The deadlines of the waiting tickets."""

    def __init__(self, now: float) -> None:
        self.clocks = TwoClocks(now)
        self._cold: KeyedHeap[Ticket] = KeyedHeap()
        self._warm: KeyedHeap[Ticket] = KeyedHeap()
        self._own: KeyedHeap[Ticket] = KeyedHeap()

    def set_deadlines(self, ticket: Ticket, cold_timeout: float, warm_timeout: float, now: float) -> None:
        """Once, on arrival, whether it has to wait or not: a ticket that comes back into the line keeps them."""
        ticket.cold_deadline = self.clocks.cold(now) + cold_timeout
        ticket.warm_deadline = self.clocks.warm(now) + warm_timeout
        ticket.own_deadline = now + ticket.patience

    def watch(self, ticket: Ticket) -> None:
        """It waits."""
        self._cold.put(ticket, ticket.cold_deadline)
        self._warm.put(ticket, ticket.warm_deadline)
        if ticket.own_deadline < math.inf:
            self._own.put(ticket, ticket.own_deadline)

    def unwatch(self, ticket: Ticket) -> None:
        """It waits no longer."""
        self._cold.discard(ticket)
        self._warm.discard(ticket)
        self._own.discard(ticket)

    def expired(self, now: float) -> Iterator[tuple[Ticket, Reason]]:
        """Take out the tickets whose time is over, and say why."""
        for ticket in self._own.pop_until(now):
            self.unwatch(ticket)
            yield ticket, Reason.CLIENT_LIMIT
        for ticket in self._cold.pop_until(self.clocks.cold(now) + _ROUNDING):
            self.unwatch(ticket)
            yield ticket, Reason.NOTHING_CAME_UP
        for ticket in self._warm.pop_until(self.clocks.warm(now) + _ROUNDING):
            self.unwatch(ticket)
            yield ticket, Reason.WAITED_TOO_LONG

    def next_at(self, now: float) -> float:
        """When the next ticket's time is over, if the state does not change. inf: never."""
        if self.clocks.is_cold:
            deadline, elapsed = self._cold.first_key(), self.clocks.cold(now)
        else:
            deadline, elapsed = self._warm.first_key(), self.clocks.warm(now)
        in_state = math.inf if deadline is None else now + (deadline - elapsed)
        own = self._own.first_key()
        return in_state if own is None else min(in_state, own)


class Estimates:
    """Medians of what was measured, and the wait they make one expect. Unknown is None, not a guess."""

    def __init__(self) -> None:
        self._service: deque[float] = deque(maxlen=100)
        self._cold_start: deque[float] = deque(maxlen=100)

    def served(self, seconds: float) -> None:
        """A counted request was answered whole."""
        self._service.append(seconds)

    def warmed(self, seconds: float) -> None:
        """Demand met no ready backend, and so long later there was one."""
        self._cold_start.append(seconds)

    @property
    def service(self) -> float | None:
        """Median seconds of work of the last hundred."""
        return statistics.median(self._service) if self._service else None

    @property
    def cold_start(self) -> float | None:
        """Median seconds from demand to the first ready backend."""
        return statistics.median(self._cold_start) if self._cold_start else None

    def wait(self, ahead: int, ready_slots: int) -> float | None:
        """Seconds that a request with `ahead` others before it is expected to wait. Without a ready slot the first
        one is expected to come after the median cold start."""
        service = self.service
        if service is None:
            return None
        if ready_slots:
            return (ahead + 1) * service / ready_slots
        cold = self.cold_start
        return None if cold is None else cold + (ahead + 1) * service


def retry_after(expected_wait: float | None) -> int:
    """Whole seconds for the Retry-After header."""
    if expected_wait is None:
        return RETRY_UNKNOWN
    return max(RETRY_MIN, min(RETRY_MAX, math.ceil(expected_wait)))
