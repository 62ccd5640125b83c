"""Matches waiting tickets to free slots. The only place that grants.

A ticket waits in up to two lines: its home's, if it is bound to one, and the shared one, if anybody may serve it. A
freed slot takes the older head of the two, so a bound ticket whose home is busy blocks nobody. Where models matter,
`core/models/affinity.py` says who of the shared line is next: that need not be the oldest, and a backend may be left
free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.line.audit import has_overtaken, is_overfull
from gateway.core.records.backends_and_tickets import Ticket, TicketState
from gateway.core.records.decisions import Decision, Granted
from gateway.core.records.lanes import Lane, WhenBusy
from gateway.core.records.receipt import what_ended

if TYPE_CHECKING:
    from gateway.core.backends.availability import Availability
    from gateway.core.line.deadlines import Deadlines
    from gateway.core.line.line import Line
    from gateway.core.models.affinity import ModelAffinity
    from gateway.core.records.backends_and_tickets import Backend
    from gateway.core.records.counts import Counts
    from gateway.core.sessions.homes import SessionHomes


class Match:
    """Told which backends may have got a free slot or a ticket, it finds those who can be served now."""

    def __init__(
        self, availability: Availability, line: Line, deadlines: Deadlines, homes: SessionHomes, counts: Counts
    ) -> None:
        self._availability = availability
        self._line = line
        self._deadlines = deadlines
        self._homes = homes
        self._counts = counts
        self._touched: dict[Backend, None] = {}  # may have got a free slot, or a ticket
        self._grants = 0

    def reconsider(self, backend: Backend, now: float) -> None:
        """Something about the backend has changed: the next match looks at it, or nobody waits for it."""
        self._availability.reconsider(backend, now)
        if backend in self._availability.free:
            self._touched[backend] = None
        elif backend not in self._availability.ready:
            self._line.unbind(backend)

    def vacated(self, ticket: Ticket, backend: Backend, now: float) -> None:
        """A counted turn there is over."""
        if ticket.session is not None:
            self._line.work_ended(ticket.session)
        self.reconsider(backend, now)

    def join(self, ticket: Ticket, now: float) -> list[Decision]:
        """Into the line, and out again if it can be served. Where nobody waits whom it might overtake, it does not
        have to stand in it first: that is most of what a free pool's requests would cost."""
        availability, line = self._availability, self._line
        ticket.state = TicketState.WAITING
        ticket.backend = None
        if ticket.lane is not Lane.COUNTED:
            if availability.ready and not line.exempt:
                return [self._grant(ticket, availability.choose(ticket, availability.ready), now)]
            line.join(ticket, None, None, now)
            return self.hand_out(now)
        home = availability.home_of(ticket)
        if home is not None and (home not in availability.ready or home.given_up or home is ticket.broke_on):
            home = None
        if availability.free and not line.counted and (home is None or home in availability.free):
            models = line.models
            if models is None or home is not None or models.serves_at_once(ticket):
                ticket.bound_to = home
                chosen = (
                    availability.choose(ticket, availability.free)
                    if models is None
                    else models.choose(ticket, availability)
                )
                return [self._grant(ticket, chosen, now)]
        if home is not None:
            self._touched[home] = None
        line.join(ticket, home, self._alone_for(ticket), now)
        return self.hand_out(now)

    def _alone_for(self, ticket: Ticket) -> float | None:
        if ticket.anchored:
            return None
        policy = self._availability.policy
        return policy.spill_after if ticket.when_busy is WhenBusy.SPILL else policy.move_when_busy

    def unjoin(self, ticket: Ticket) -> None:
        """Out of the line, and its clocks stop."""
        self._line.leave(ticket)
        self._deadlines.unwatch(ticket)

    def hand_out(self, now: float) -> list[Decision]:
        """Everybody who can be served."""
        availability, line = self._availability, self._line
        if not (line.counted or line.exempt):
            self._touched.clear()
            return []
        decisions: list[Decision] = []
        while availability.ready and (ticket := line.exempt.first()):
            decisions.append(self._take(ticket, availability.choose(ticket, availability.ready), now))
        if line.models is not None:
            return decisions + self._hand_out_by_model(line.models, now)
        while True:
            while self._touched:
                backend, _ = self._touched.popitem()
                while backend in availability.free and (ticket := line.next_for(backend)):
                    chosen = backend if ticket in backend.line else availability.choose(ticket, availability.free)
                    decisions.append(self._take_next(ticket, chosen, now))
            if not availability.free or (ticket := line.shared.first()) is None:
                return decisions
            decisions.append(self._take_next(ticket, availability.choose(ticket, availability.free), now))

    def _hand_out_by_model(self, models: ModelAffinity, now: float) -> list[Decision]:
        """The same where models matter."""
        availability, touched = self._availability, self._touched
        decisions: list[Decision] = []
        models.line.expire(now)
        touched.update(dict.fromkeys(models.called()))
        while (pair := self._next_by_model(models)) is not None:
            had = models.stock.loaded(pair[1])
            granted = self._take_next(*pair, now)
            decisions.append(granted)
            # Others that have what this one had, or has now, are next for those who need it.
            touched.update(dict.fromkeys(models.free_with(had, models.stock.loaded(granted.backend))))
        touched.clear()
        if availability.free:
            models.line.held_back(now)
        return decisions

    def _next_by_model(self, models: ModelAffinity) -> tuple[Ticket, Backend] | None:
        """Somebody who should be served now, and where."""
        line, free = self._line, self._availability.free
        while self._touched:
            backend = next(iter(self._touched))
            if backend in free and (ticket := line.next_for(backend)):
                return ticket, backend if ticket in backend.line else models.choose(ticket, self._availability)
            del self._touched[backend]
        anybody = models.next_for_anybody() if free else None
        return None if anybody is None else (anybody, models.choose(anybody, self._availability))

    def _take_next(self, ticket: Ticket, backend: Backend, now: float) -> Granted:
        """Whoever was chosen by a ticket may have an older one in its own line, or one that fits it better."""
        return self._take(self._line.next_for(backend) or ticket, backend, now)

    def _take(self, ticket: Ticket, backend: Backend, now: float) -> Granted:
        """Out of the line: its turn."""
        self.unjoin(ticket)
        if ticket.met is not None:  # it really had to wait
            ticket.wait_ended = what_ended(ticket, backend, now)
        if self._line.models is not None and ticket.lane is Lane.COUNTED:
            self._line.models.line.passed_over(ticket.number, now)
        was_at_home = ticket.bound_to is backend and self._homes.current(ticket) == backend.identity
        granted = self._grant(ticket, backend, now)
        if ticket.lane is Lane.COUNTED and ticket.session is not None:
            if not was_at_home and self._homes.current(ticket) == backend.identity:
                self._line.gather(ticket.session, backend, self._availability.policy.move_when_busy, now)
                self._touched[backend] = None
            self._line.at_work(ticket.session, backend)
        return granted

    def _grant(self, ticket: Ticket, backend: Backend, now: float) -> Granted:
        ticket.state = TicketState.HOLDING
        ticket.backend = backend
        ticket.granted_at = now
        ticket.turns += 1
        ticket.status, ticket.failure = None, ""
        self._grants += 1
        backend.last_granted = self._grants
        if ticket.lane is Lane.COUNTED:
            backend.in_flight[ticket] = None
            self._availability.in_flight += 1
            self._counts.exclusivity_broken += is_overfull(backend)
            line = self._line
            self._counts.order_broken += has_overtaken(ticket, backend, line)
            if line.models is not None:
                line.models.granted(ticket, backend, now)
            self._availability.rank(backend, now)
        else:
            backend.uncounted[ticket] = None
            self._availability.visited(backend, now)
        self._homes.seat(ticket, backend)
        return Granted(ticket, backend)
