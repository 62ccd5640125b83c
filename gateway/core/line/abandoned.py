"""Turns whose clients have left while their backends work on, for nobody. Knows which of them are about to end.

A client that leaves in the middle often comes again at once, or another takes its place: it waits, and the work that
was left holds a slot. Whether the two are demand for one backend or for two depends on which is over first, that work
or the start of another backend. What is about to end is counted once, together with who waits; what takes longer than a
start is counted beside it. Where nothing was measured, it is taken to take longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.keyed_heap import KeyedHeap

if TYPE_CHECKING:
    from gateway.core.line.expected_wait import Estimates
    from gateway.core.records.backends_and_tickets import Ticket


class AbandonedTurns:
    """One pool's. `now` never goes back."""

    def __init__(self, estimates: Estimates) -> None:
        self._estimates = estimates
        self._going_on: KeyedHeap[Ticket] = KeyedHeap()  # by when they will be about to end
        self._about_to_end: dict[Ticket, None] = {}

    def begun(self, ticket: Ticket) -> None:
        """Its client has left."""
        service, cold_start = self._estimates.service, self._estimates.cold_start
        if service is not None and cold_start is not None:
            self._going_on.put(ticket, ticket.granted_at + service - cold_start)

    def over(self, ticket: Ticket) -> None:
        """Its turn has ended; nothing happens if its client had not left."""
        self._going_on.discard(ticket)
        self._about_to_end.pop(ticket, None)

    def about_to_end(self, now: float) -> int:
        """How many will be over before a backend that is started now is ready, as far as medians tell."""
        for ticket in self._going_on.pop_until(now):
            self._about_to_end[ticket] = None
        return len(self._about_to_end)
