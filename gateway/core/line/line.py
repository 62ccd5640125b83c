"""The line: waiting tickets, in order. A counted ticket stands in up to two lines: its home's, if it is bound to
one, and the shared one, if any backend may serve it. Exempt tickets have a line of their own: they wait for a first
backend, not for a slot.

A session moves whole. While its home works for it, its other requests wait there, however long; when it moves, or gets
a home at last, the others wait for that one, wherever they have waited before.

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
        self._sessions = _BySession()  # counted ones
        self._restless = _BySession()  # bound ones whose time alone is over
        self.models: ModelAffinity | None = None  # None: models do not matter, and the shared line is served in order

    def everybody(self) -> list[Ticket]:
        """Counted ones first, in order. O(n log n)."""
        return [*self.counted, *self.exempt]

    def join(self, ticket: Ticket, home: Backend | None, alone_for: float | None, now: float) -> None:
        """Into the line by its number; `home`: the backend it is bound to, and for so many seconds to it alone; None:
        until it leaves the line."""
        self._budget.hold(ticket.who, places=1)
        ticket.bound_to = None
        if ticket.lane is not Lane.COUNTED:
            self.exempt.put(ticket, ticket.number)
            return
        self.counted.put(ticket, ticket.number)
        self._sessions.add(ticket)
        if home is None:
            self.shared.put(ticket, ticket.number)
        else:
            self._bind(ticket, home, alone_for, now)

    def leave(self, ticket: Ticket) -> None:
        """Out of every line it stands in."""
        self._budget.hold(ticket.who, places=-1)
        if ticket.lane is not Lane.COUNTED:
            self.exempt.discard(ticket)
            return
        self.counted.discard(ticket)
        self.shared.discard(ticket)
        self._sessions.discard(ticket)
        if ticket.bound_to is not None:
            ticket.bound_to.line.discard(ticket)
            self.spills.discard(ticket)
            self._restless.discard(ticket)

    def labelled(self, label: str) -> list[Ticket]:
        """All that bear it, in no order. O(n): for what people ask."""
        return [t for line in (self.counted, self.exempt) for t in line.members() if t.label == label]

    def unbind(self, backend: Backend) -> None:
        """Nobody waits for this backend any more: its tickets join the shared line by their numbers."""
        for ticket in list(backend.line):
            backend.line.discard(ticket)
            self.spills.discard(ticket)
            self._restless.discard(ticket)
            ticket.bound_to = None
            self.shared.put(ticket, ticket.number)

    def spill(self, now: float) -> None:
        """Tickets whose time alone with their home is over join the shared line, too."""
        for ticket in self.spills.pop_until(now):
            self._open(ticket)

    def at_work(self, session: str, at: Backend) -> None:
        """One of a session's requests is out of the line, and at work: those that wait there are not for anybody."""
        for ticket in self._restless.of(session):
            if ticket.bound_to is at:
                self.shared.discard(ticket)

    def gather(self, session: str, at: Backend, alone_for: float | None, now: float) -> None:
        """A session's home is here now: its others wait here, too. Those that waited for another are alone with this
        one for no longer than they would have been, those that waited for none for so many seconds. Those that are
        anchored to one that is there stay, and so does one whose turn broke here. O(the session's tickets)."""
        for ticket in self._sessions.of(session):
            left = ticket.bound_to
            stays = ticket.broke_on is at if left is None else ticket.anchored or left is at
            if stays:
                continue
            ticket.home, ticket.new_home = at.identity, True
            if left is not None:
                left.line.discard(ticket)
                at.line.put(ticket, ticket.number)
                ticket.bound_to = at
            elif ticket.when_busy is WhenBusy.SPILL:
                self._bind(ticket, at, 0.0, now)
            else:
                self.shared.discard(ticket)
                self._bind(ticket, at, None if ticket.anchored else alone_for, now)

    def work_ended(self, session: str) -> None:
        """A backend has done with one of its requests."""
        for ticket in self._restless.of(session):
            self._open(ticket)

    def _bind(self, ticket: Ticket, home: Backend, alone_for: float | None, now: float) -> None:
        ticket.bound_to = home
        home.line.put(ticket, ticket.number)
        if alone_for is not None:
            ticket.spill_at = now + alone_for
            if alone_for > 0:
                self.spills.put(ticket, ticket.spill_at)
            else:
                self._open(ticket)

    def _open(self, ticket: Ticket) -> None:
        """Any backend may serve it; one that waits for its home not while that works for the session."""
        home, session = ticket.bound_to, ticket.session
        if ticket.when_busy is WhenBusy.WAIT and home is not None:
            self._restless.add(ticket)
            if home.works_for(session):
                return
        self.shared.put(ticket, ticket.number)

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


class _BySession:
    """Tickets by their sessions, of those that have any."""

    def __init__(self) -> None:
        self._of: dict[str, dict[Ticket, None]] = {}

    def add(self, ticket: Ticket) -> None:
        if ticket.session is not None:
            self._of.setdefault(ticket.session, {})[ticket] = None

    def discard(self, ticket: Ticket) -> None:
        if ticket.session is not None and (its := self._of.get(ticket.session)) is not None:
            its.pop(ticket, None)
            if not its:
                del self._of[ticket.session]

    def of(self, session: str) -> list[Ticket]:
        return list(self._of.get(session, ()))
