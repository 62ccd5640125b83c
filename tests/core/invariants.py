"""What must be true of a pool after every step: asserted by the random walks and by the simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gateway.core.records.backends_and_tickets import TicketState
from gateway.core.records.decisions import Granted, Rejected
from gateway.core.records.lanes import Lane, WhenBusy
from gateway.core.records.listed import BackendState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.core.pool import Pool
    from gateway.core.records.backends_and_tickets import Backend, Ticket
    from gateway.core.records.decisions import Decision


class Witness:
    """Meets every ticket before it arrives, and sees every decision about it."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.tickets: list[Ticket] = []  # everybody who has ever come
        self.rejected: set[Ticket] = set()
        self.overtaken: dict[Ticket, float] = {}  # where models matter: since when others go first, or a slot is free
        self._here: list[Ticket] = []
        self._cost = 0.0  # of a switch, when that began

    def met(self, ticket: Ticket) -> None:
        """It is about to arrive."""
        self.tickets.append(ticket)
        self._here.append(ticket)

    def saw(self, decisions: Iterable[Decision], now: float) -> None:
        """After one fact: its answers, and the pool as it now stands."""
        decisions = list(decisions)
        for decision in decisions:
            if isinstance(decision, Rejected):
                assert decision.ticket not in self.rejected, "one outcome a ticket"
                self.rejected.add(decision.ticket)
        self._here = [t for t in self._here if t.state is not TicketState.ENDED]
        if self._cost != self.pool.policy.model_switch_cost:
            self._cost = self.pool.policy.model_switch_cost
            self.overtaken.clear()  # new rules: all windows begin anew
        self._slots()
        self._demand()
        self._orders(decisions, now)
        self._no_idle_slot(now)
        self._nobody_waits_in_vain(now)
        self._enough_serve(now)
        self._sessions_stay_together()

    def _slots(self) -> None:
        pool = self.pool
        held = [t for t in self._here if t.state is TicketState.HOLDING]
        for backend in pool.backends.values():
            mine = {t for t in held if t.backend is backend}
            assert mine == {*backend.in_flight, *backend.uncounted}, "in flight are those who hold it"
            if backend.limit:
                assert backend.free_slots == backend.limit - len(backend.in_flight) - len(backend.quarantines)
        assert pool.in_flight == sum(t.lane is Lane.COUNTED for t in held)
        assert pool.quarantined == sum(len(b.quarantines) for b in pool.backends.values())

    def _demand(self) -> None:
        pool = self.pool
        waiting = [t for t in self._here if t.state is TicketState.WAITING]
        assert sorted(t.number for t in waiting if t.lane is Lane.COUNTED) == [t.number for t in pool.all_waiting()]
        assert pool.waiting_exempt == sum(t.lane is not Lane.COUNTED for t in waiting)
        looking = pool.starts.wanted or (pool.starts.watched_until is not None and pool.is_cold)
        quarantines = [quarantine for b in pool.backends.values() for quarantine in b.quarantines]
        known = sum(quarantine.is_known_work for quarantine in quarantines)
        most = len(waiting) + pool.in_flight + known + looking
        counted = sum(ticket.lane is Lane.COUNTED for ticket in waiting)
        assert most - min(counted, pool.in_flight) <= pool.demand <= most, "what was left is at most counted once"
        assert pool.load.level == pool.demand, "the scaler knows"
        for number, ticket in enumerate(pool.all_waiting(), 1):
            assert pool.position(ticket) >= number, "never too low"

    def _orders(self, decisions: list[Decision], now: float) -> None:
        """Nobody who may use the same slot and came earlier still waits; save who may do so only since, because his
        session has come there with one of these."""
        came = {d.ticket.session for d in decisions if isinstance(d, Granted)} - {None}
        waiting = [t for t in self.pool.all_waiting() if not (t.new_home and t.session in came)]
        for decision in decisions:
            if not isinstance(decision, Granted) or decision.ticket.lane is not Lane.COUNTED:
                continue
            ticket, backend = decision.ticket, decision.backend
            assert not backend.limit or len(backend.in_flight) <= max(backend.limit, 1), "under the limit"
            self.overtaken.pop(ticket, None)
            for other in waiting:
                if other.number < ticket.number and may_use(other, backend, now):
                    assert self._may_wait(other, now), f"{ticket.number} overtook {other.number}"
        counts = self.pool.counts
        assert (counts.exclusivity_broken, counts.order_broken) == (0, 0), "the pool's own audit agrees"

    def _no_idle_slot(self, now: float) -> None:
        free = [b for b in self.pool.backends.values() if b.is_eligible(now) and b.free_slots > 0]
        for ticket in self.pool.all_waiting():
            usable = [b for b in free if may_use(ticket, b, now)]
            if usable:
                assert self._may_wait(ticket, now), f"{ticket.number} waits though {usable[0].name} is free"
                assert self._is_worth_it(ticket, free, now), f"{ticket.number} waits for a model that nobody has"

    def _may_wait(self, ticket: Ticket, now: float) -> bool:
        """The exception: where models matter, for as long as a switch costs, once."""
        return now < self.overtaken.setdefault(ticket, now) + self._cost

    def _is_worth_it(self, ticket: Ticket, free: list[Backend], now: float) -> bool:
        """Somebody who is busy has what it needs, and none of the free ones has, nor is one of them empty."""
        models = self.pool._line.models
        assert models is not None
        model = models.line.model_of(ticket)
        busy = [b for b in self.pool.backends.values() if b.is_eligible(now) and b not in free]
        nobody = all(b.model not in (None, model) for b in free)
        return model is not None and nobody and any(b.model == model for b in busy)

    def _nobody_waits_in_vain(self, now: float) -> None:
        pool = self.pool
        hopes = [b for b in pool.backends.values() if b.listed and not b.held and b.state is BackendState.READY]
        if not hopes and pool.starts.is_hopeless(now):
            assert pool.waiting + pool.waiting_exempt == 0, "fail-fast"

    def _enough_serve(self, now: float) -> None:
        pool = self.pool
        able = [b for b in pool.backends.values() if b.would_serve(now)]
        ejected = [b for b in able if b.is_ejected(now)]
        assert pool.is_cold == (not able), "the last one is never ejected"
        if pool.policy.health_max_ejected == 100:
            assert len(ejected) < max(1, len(able))
        else:
            assert len(ejected) <= len(able) * pool.policy.health_max_ejected / 100
        assert not ejected or pool.policy.health_errors
        assert not ejected or any(b.is_eligible(now) and not b.given_up for b in able), "somebody serves"

    def _sessions_stay_together(self) -> None:
        for ticket in self.pool.all_waiting():
            if ticket.bound_to is not None and ticket.bound_to.works_for(ticket.session):
                is_alone = ticket.when_busy is WhenBusy.WAIT
                assert not (is_alone and ticket in self.pool._line.shared), "its own work is waited for"


def may_use(ticket: Ticket, backend: Backend, now: float) -> bool:
    """A bound ticket before its spill time may use its home alone, and so may one whose session that works for."""
    home = ticket.bound_to
    if home is None or home is backend:
        return True
    return ticket.spill_at <= now and (ticket.when_busy is WhenBusy.SPILL or not home.works_for(ticket.session))


class Walker(Protocol):
    """A walk through one pool's time."""

    now: float
    pool: Pool

    def hear(self, decisions: list[Decision]) -> None: ...


def let_pass(walker: Walker, seconds: float) -> None:
    """The clock goes on, and each of the pool's events comes when it is due."""
    end = walker.now + seconds
    while (due := walker.pool.next_event(walker.now)) <= end:
        walker.now = max(walker.now, due)
        walker.hear(walker.pool.expire(walker.now))
        assert walker.pool.next_event(walker.now) > walker.now, "what is due is done at once"
    walker.now = end
