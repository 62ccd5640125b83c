"""Deadlines of waiting tickets.

A pool has two clocks, of which exactly one runs: *cold* while no backend is ready, *warm* while one is. A ticket has
a deadline on each and, if the client set a limit of its own, one in real time. Deadlines on a stopped clock do not
come nearer, so a change of state re-keys nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gateway.core.keyed_heap import KeyedHeap
from gateway.core.records.decisions import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.core.records.backends_and_tickets import Ticket

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
        """Starts the clocks of a ticket that waits."""
        self._cold.put(ticket, ticket.cold_deadline)
        self._warm.put(ticket, ticket.warm_deadline)
        if ticket.own_deadline < math.inf:
            self._own.put(ticket, ticket.own_deadline)

    def unwatch(self, ticket: Ticket) -> None:
        """Stops the clocks of a ticket that waits no longer."""
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
