"""The line: waiting tickets, in order. A counted ticket stands in up to two lines: its home's, if it is bound to
one, and the shared one, if any backend may serve it. Exempt tickets have a line of their own: they wait for a first
backend, not for a slot.

A session moves whole. While its home works for it, its other requests wait there, however long; when it moves, those
that wait for its old home wait for the new one.

Owns membership alone: who may wait at all is the pool's affair, and when a backend is ready the availability's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.keyed_heap import KeyedHeap
from gateway.core.records.lanes import Lane, WhenBusy

if TYPE_CHECKING:
    from gateway.core.line.room import Budget
    from gateway.core.models.affinity import ModelAffinity
    from gateway.core.records.backends_and_tickets import Backend, Ticket


class Line:
    """Everything in it is ordered by number of arrival, and may leave from anywhere."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.counted: KeyedHeap[Ticket] = KeyedHeap()  # all of them, in whichever line they stand
        self.exempt: KeyedHeap[Ticket] = KeyedHeap()
        self.shared: KeyedHeap[Ticket] = KeyedHeap()
        self.spills: KeyedHeap[Ticket] = KeyedHeap()  # bound ones, by when anybody may serve them
        self._restless: dict[str, dict[Ticket, None]] = {}  # by session: bound ones whose time alone is over
        self.models: ModelAffinity | None = None  # None: models do not matter, and the shared line is served in order

    def everybody(self) -> list[Ticket]:
        """Counted ones first, in order. O(n log n)."""
        return [*self.counted, *self.exempt]

    def join(self, ticket: Ticket, home: Backend | None, alone_for: float | None, now: float) -> None:
        """Into the line by its number; `home`: the backend it is bound to, and for so many seconds to it alone; None:
        until it leaves the line."""
        self._budget.hold(ticket.who, places=1)
        ticket.bound_to = home
        if ticket.lane is not Lane.COUNTED:
            self.exempt.put(ticket, ticket.number)
            return
        self.counted.put(ticket, ticket.number)
        if home is None:
            self.shared.put(ticket, ticket.number)
            return
        home.line.put(ticket, ticket.number)
        if alone_for is not None:
            ticket.spill_at = now + alone_for
            if alone_for > 0:
                self.spills.put(ticket, ticket.spill_at)
            else:
                self._open(ticket)

    def leave(self, ticket: Ticket) -> None:
        """Out of every line it stands in."""
        self._budget.hold(ticket.who, places=-1)
        if ticket.lane is not Lane.COUNTED:
            self.exempt.discard(ticket)
            return
        self.counted.discard(ticket)
        self.shared.discard(ticket)
        if ticket.bound_to is not None:
            ticket.bound_to.line.discard(ticket)
            self.spills.discard(ticket)
            self._settle(ticket)

    def labelled(self, label: str) -> list[Ticket]:
        """All that bear it, in no order. O(n): for what people ask."""
        return [t for line in (self.counted, self.exempt) for t in line.members() if t.label == label]

    def unbind(self, backend: Backend) -> None:
        """Nobody waits for this backend any more: its tickets join the shared line by their numbers."""
        for ticket in list(backend.line):
            backend.line.discard(ticket)
            self.spills.discard(ticket)
            self._settle(ticket)
            ticket.bound_to = None
            self.shared.put(ticket, ticket.number)

    def spill(self, now: float) -> None:
        """Tickets whose time alone with their home is over join the shared line, too."""
        for ticket in self.spills.pop_until(now):
            self._open(ticket)

    def served(self, session: str, at: Backend, left: Backend | None) -> None:
        """One of a session's requests is out of the line, and at work. If the session has left its home for that, the
        others leave it, too, and are alone with the new one for no longer than they would have been; those that are
        anchored stay. O(tickets that wait for a home that was left, or of the session)."""
        if left is not None:
            movable = [each for each in left.line.members() if each.session == session and not each.anchored]
            for ticket in movable:
                left.line.discard(ticket)
                at.line.put(ticket, ticket.number)
                ticket.bound_to, ticket.home = at, at.identity
        for ticket in self._restless.get(session, ()):
            if ticket.bound_to is at:
                self.shared.discard(ticket)

    def work_ended(self, session: str) -> None:
        """A backend has done with one of its requests."""
        for ticket in self._restless.get(session, ()):
            self._open(ticket)

    def _open(self, ticket: Ticket) -> None:
        """Any backend may serve it; one that waits for its home not while that works for the session."""
        home, session = ticket.bound_to, ticket.session
        if ticket.when_busy is WhenBusy.WAIT and home is not None and session is not None:
            self._restless.setdefault(session, {})[ticket] = None
            if home.works_for(session):
                return
        self.shared.put(ticket, ticket.number)

    def _settle(self, ticket: Ticket) -> None:
        """It waits for its home no longer."""
        if ticket.session is not None and (restless := self._restless.get(ticket.session)) is not None:
            restless.pop(ticket, None)
            if not restless:
                del self._restless[ticket.session]

    def next_for(self, backend: Backend) -> Ticket | None:
        """The older one of the backend's line's head and whom it should serve of the shared line."""
        bound = backend.line.first()
        shared = self.shared.first() if self.models is None else self.models.next_for(backend)
        if bound is None or shared is None:
            return bound or shared
        return bound if bound.number < shared.number else shared

    def entitled_to(self, backend: Backend) -> Ticket | None:
        """The oldest who may not be overtaken there by anybody younger."""
        if self.models is None:
            return self.next_for(backend)
        bound, due = backend.line.first(), self.models.line.first_due()
        if bound is None or due is None:
            return bound or due
        return bound if bound.number < due.number else due

    def position(self, ticket: Ticket) -> int:
        """Place among the counted ones from 1, 0 if it is not there: O(1), never too low, approximate."""
        oldest = self.counted.first()
        if oldest is None or ticket not in self.counted:
            return 0
        return min(len(self.counted), ticket.number - oldest.number + 1)
