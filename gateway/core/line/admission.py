"""Admission: turns requests away, with a reason. Nothing was started for them, so each refusal is safe to repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.line.expected_wait import retry_after
from gateway.core.records.backends_and_tickets import Ticket, TicketState
from gateway.core.records.decisions import Reason, Refusal, Rejected
from gateway.core.records.lanes import Lane

if TYPE_CHECKING:
    from gateway.core.backends.availability import Availability
    from gateway.core.backends.health import Starts
    from gateway.core.line.line import Line
    from gateway.core.line.outlook import Outlook
    from gateway.core.line.room import Budget, Room


#: Refusals because no backend is ready.
_NONE_READY = (Reason.NO_BACKEND, Reason.NOTHING_CAME_UP)


class Admission:
    """One pool's door."""

    def __init__(
        self, availability: Availability, line: Line, budget: Budget, starts: Starts, outlook: Outlook
    ) -> None:
        self.stopping = False
        self._availability = availability
        self._line = line
        self._budget = budget
        self._starts = starts
        self._outlook = outlook

    def turned_away(self, ticket: Ticket, room: Room | None, now: float) -> Refusal | None:
        """Why it may not join (`room`: the place reserved for it). None: it may."""
        ready = self._availability.ready
        if ticket.lane is Lane.PASSIVE:
            return None if ready else self.refusal(Reason.NO_BACKEND, now)
        if self.stopping or not ready:
            refusal = self.shut(now)
            if refusal is not None:
                return refusal
        if room is None and not (ticket.lane is Lane.EXEMPT and ready) and (lacks := self.lacks_place(ticket.who)):
            return self.refusal(lacks, now)
        return None

    def shut(self, now: float) -> Refusal | None:
        """Why nobody is let in. Whoever is told so is remembered as demand for one attempt to start."""
        if self.stopping:
            return self.refusal(Reason.STOPPING, now)
        if self.is_hopeless(now):
            self._starts.wanted = True
            return self.hopeless(now)
        return None

    def lacks_place(self, who: str) -> Reason | None:
        """Why one more of this client does not fit into the line. None: it does, or will not have to wait."""
        taken = len(self._line.counted) + len(self._line.exempt) + self._budget.uploading
        own = self._budget.held_by(who).places
        policy = self._availability.policy
        if taken < policy.line_limit and own < policy.client_places:
            return None
        free = sum(b.free_slots if b.limit else taken + 1 for b in self._availability.free.members())
        if taken >= policy.line_limit + free:
            return Reason.LINE_FULL
        return Reason.CLIENT_FULL if own >= policy.client_places + free else None

    def is_hopeless(self, now: float) -> bool:
        """Starts die, nobody is ready, and nobody is only suspect, to be asked again in a moment."""
        return not self._availability.ready and self._starts.is_hopeless(now) and not self._availability.somebody_rests

    def refusal(self, reason: Reason, now: float) -> Refusal:
        """To a newcomer, or to those who wait no longer. If no backend is ready, with why one of them is not."""
        evidence = self._availability.unready_because if reason in _NONE_READY else ""
        return Refusal(reason, retry_after(self._outlook.of_newcomer(now)), evidence)

    def hopeless(self, now: float) -> Refusal:
        """With the last words of a start that died."""
        return Refusal(Reason.STARTS_FAIL, retry_after(self._starts.next_at - now), self._starts.evidence)


def reject(ticket: Ticket, refusal: Refusal) -> Rejected:
    """Ends a ticket without a (further) turn."""
    ticket.state = TicketState.ENDED
    ticket.wait_ended = refusal.reason.value
    return Rejected(ticket, refusal)
