"""Ends turns. Their slots are free again, or quarantined until the backend is known to be done.

A slot is quarantined when its turn broke; also when work may go on behind a whole answer (an extension of the web UI
has queued a job) and the backend can be asked. A quarantine ends by two idle probes, by the backend's end, by an
operator's word, or by time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.backends.quality import Quality
from gateway.core.records.backends_and_tickets import STILL_BUSY
from gateway.core.records.decisions import Ending, Quarantined, Unsure
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import BackendState
from gateway.core.records.quarantine import Quarantine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.core.backends.availability import Availability
    from gateway.core.backends.judge import Judge
    from gateway.core.line.abandoned import AbandonedTurns
    from gateway.core.line.expected_wait import Estimates
    from gateway.core.line.match import Match
    from gateway.core.records.backends_and_tickets import Backend, Ticket
    from gateway.core.records.counts import Counts
    from gateway.core.sessions.homes import SessionHomes

#: Why a slot is quarantined behind an answer that came whole.
MAY_GO_ON = "may go on"

#: Seconds between the two idle probes that free a quarantined slot.
IDLE_APART = 1.0


class TurnEnds:
    """Ends them; that the freed slots are handed out again is the match's affair."""

    def __init__(
        self,
        availability: Availability,
        match: Match,
        judge: Judge,
        homes: SessionHomes,
        estimates: Estimates,
        counts: Counts,
        abandoned: AbandonedTurns,
    ) -> None:
        self._availability = availability
        self._match = match
        self._judge = judge
        self._homes = homes
        self._estimates = estimates
        self._counts = counts
        self._abandoned = abandoned

    def end(self, ticket: Ticket, backend: Backend, now: float, ending: Ending, quarantine: float) -> None:
        """The turn is over; `quarantine`: so many seconds at most its slot is kept, 0 if the backend is done."""
        counted = ticket.lane is Lane.COUNTED
        if ending is Ending.SERVED:
            backend.refusals = 0
        if counted:
            quality = self._judge.turn_ended(ticket, backend, ending, now)
            if ending is Ending.SERVED and quality is not Quality.FAILED:
                backend.served += 1
            if quality is Quality.WELL:
                self._estimates.served(now - ticket.granted_at, ticket.model)
        if counted and backend.limit > 0 and backend.state is not BackendState.GONE:
            self._keep(ticket, backend, now, ending, quarantine)
        self._vacate(ticket, backend, now)

    def _keep(self, ticket: Ticket, backend: Backend, now: float, ending: Ending, quarantine: float) -> None:
        """The slot, where the backend may be at work still. One that can be asked is given the time to answer."""
        can_ask = self._availability.policy.can_ask and backend.can_be_asked
        if quarantine > 0:
            kept = max(quarantine, STILL_BUSY) if can_ask else quarantine
            self._availability.quarantine(backend, Quarantine(now, now + kept, ending.name.lower()))
            self._availability.announced.append(Quarantined(backend, ending, kept))
            self._counts.quarantines += 1
        elif ticket.may_go_on and can_ask:
            kept = max(self._availability.policy.unknown_for, STILL_BUSY)
            self._availability.quarantine(backend, Quarantine(now, now + kept, MAY_GO_ON, is_known_work=False))
            self._availability.announced.append(Unsure(backend))

    def refused(self, ticket: Ticket, backend: Backend, now: float) -> None:
        """The turn ended before a byte was written: the backend is suspect."""
        self._vacate(ticket, backend, now)
        self._counts.give_backs += 1
        self._availability.suspect(backend, now)
        self._match.reconsider(backend, now)

    def _vacate(self, ticket: Ticket, backend: Backend, now: float) -> None:
        if ticket.lane is Lane.COUNTED:
            del backend.in_flight[ticket]
            self._abandoned.over(ticket)
            self._availability.in_flight -= 1
            if not backend.in_flight:
                backend.idle_since = now
            self._homes.prolong(ticket, now)
            self._match.vacated(ticket, backend, now)
        else:
            del backend.uncounted[ticket]
            self._homes.prolong(ticket, now)
            self._availability.visited(backend, now)

    # Quarantines

    def seems_idle(self, backend: Backend, sent_at: float, now: float) -> None:
        """An idle probe passed. Two of them, a second apart and both sent after the break, end a quarantine."""
        over = []
        for quarantine in backend.quarantines:
            if sent_at < quarantine.since:
                continue
            if quarantine.idle_seen_at is None:
                quarantine.idle_seen_at = sent_at
            elif sent_at - quarantine.idle_seen_at >= IDLE_APART:
                over.append(quarantine)
        self.free(backend, over, now)

    def seems_busy(self, backend: Backend, now: float) -> None:
        """It said that it works: two passes in a row are needed anew, and what it works on is work, whoever sent it."""
        backend.can_be_asked = True
        for quarantine in backend.quarantines:
            quarantine.idle_seen_at = None
            quarantine.busy_seen_at = now
            if backend.state is not BackendState.STARTING:
                self._availability.know_work(quarantine)

    def cannot_be_asked(self, backend: Backend, now: float) -> None:
        """It knows nothing of the question, or does not let us ask: what nobody knows of is taken for no work, as for a
        kind that has no idle probe."""
        backend.can_be_asked = False
        self.free(backend, [each for each in backend.quarantines if not each.is_known_work], now)

    def expire(self, now: float) -> None:
        """Quarantines end whose time is over: from here on it is an assumption that the backend is done. None ends
        while the backend goes on saying that it works."""
        for backend in self._availability.quarantines.pop_until(now):
            over = [quarantine for quarantine in backend.quarantines if quarantine.until <= now]
            if backend.says_busy(now):
                for quarantine in over:
                    quarantine.until = now + STILL_BUSY
                over = []
            self._counts.quarantines_expired += len(over)
            self.free(backend, over, now)

    def free(self, backend: Backend, over: Iterable[Quarantine], now: float) -> None:
        """These quarantines are over."""
        self._availability.free_quarantines(backend, list(over), now)
        self._match.reconsider(backend, now)
