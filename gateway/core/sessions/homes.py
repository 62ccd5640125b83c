"""Session homes: gives a ticket its session's home when it arrives, moves the home when a turn begins elsewhere, and
prolongs the session when a turn ends.

Says which backend a session belongs to; that its tickets wait there is the line's affair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.records.lanes import Lane, WhenBusy

if TYPE_CHECKING:
    from gateway.core.backends.availability import Availability
    from gateway.core.records.backends_and_tickets import Backend, Ticket
    from gateway.core.records.counts import Counts
    from gateway.core.sessions.table import SessionTable


class SessionHomes:
    """One pool's sessions and their backends, kept true to each other."""

    def __init__(self, sessions: SessionTable, availability: Availability, counts: Counts) -> None:
        self._sessions = sessions
        self._availability = availability
        self._counts = counts

    def recognise(self, ticket: Ticket, now: float) -> None:
        """A ticket arrives, and gets its session's home, unless what it reads is elsewhere. The table goes before the
        cookie."""
        if ticket.session is None:
            return
        session = self._sessions.get(ticket.session)
        if ticket.lane is not Lane.PASSIVE and ticket.returning:
            session = self._sessions.touch(ticket.session, ticket.home, now)
        if session is not None and not ticket.anchored:
            ticket.home = session.home

    def current(self, ticket: Ticket) -> str | None:
        """The home of its session. The table goes before what its cookie said."""
        session = self._sessions.get(ticket.session) if ticket.session is not None else None
        return ticket.home if session is None else session.home

    def seat(self, ticket: Ticket, backend: Backend) -> None:
        """Its session is served by `backend`: at home, as a spill, or at its new home."""
        if ticket.session is None or ticket.lane is Lane.PASSIVE:
            return
        session = self._sessions.get(ticket.session)
        was_called_back = ticket.anchored and session is not None and session.home != backend.identity
        if ticket.home == backend.identity and not was_called_back:
            self._counts.affinity_hits += ticket.returning
            return
        if ticket.home != backend.identity and ticket.bound_to is not None and ticket.when_busy is WhenBusy.SPILL:
            self._counts.affinity_spills += 1
            return
        home = self._availability.home_of(ticket)
        if ticket.lane is Lane.EXEMPT and home is not None and home.may_return:
            return  # home is only resting: a page's small requests do not move a session
        self._counts.affinity_moves += ticket.returning  # a cookie that came back named a home, known here or not
        ticket.home = backend.identity
        ticket.new_home = True
        if session is not None:
            self._sessions.move(session, backend.identity)

    def prolong(self, ticket: Ticket, now: float) -> None:
        """Its turn ends: a sign of life, too, even if the session's time ran out during it."""
        if ticket.session is None or ticket.lane is Lane.PASSIVE:
            return
        if ticket.returning or self._sessions.get(ticket.session):
            self._sessions.touch(ticket.session, ticket.home, now)

    def count(self, now: float) -> None:
        """Backends whose number of live sessions has changed take their new place in the orders."""
        sessions, availability = self._sessions, self._availability
        while sessions.changed:
            if backend := availability.backends.get(sessions.changed.pop()):
                backend.sessions = sessions.at_home(backend.identity)
                availability.rank(backend, now)
