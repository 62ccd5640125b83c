"""A transcript of one pool: facts go in, and each answer must be told before the next fact."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gateway.core.policy import Policy
from gateway.core.pool import Pool
from gateway.core.records.backends_and_tickets import Ticket, TicketState
from gateway.core.records.decisions import (
    Decision,
    Ending,
    Granted,
    Judged,
    Quarantined,
    Reason,
    Refusal,
    Rejected,
    Unsure,
    Warmed,
)
from gateway.core.records.lanes import Lane, ModelNeed, WhenBusy
from gateway.core.records.listed import BackendState, Listed
from gateway.core.records.receipt import receipt_of

if TYPE_CHECKING:
    from gateway.core.line.room import Room


def listed(name: str, **facts: Any) -> Listed:
    """A backend whose identity is its name."""
    return Listed(identity=name, address=f"{name}:7860", name=name, **facts)


class Playbook:
    """`pods` are ready from the start; further keywords are the pool's policy."""

    def __init__(self, *pods: str, limit: int = 1, **policy: Any) -> None:
        self.now = 0.0
        self.pool = Pool("pool", Policy(limit=limit, **policy), self.now)
        self.tickets: dict[str, Ticket] = {}
        self.warmed: list[float] = []
        self.quarantined: list[tuple[str, Ending, float]] = []
        self.unsure: list[str] = []
        self._inbox: list[Decision] = []
        self._pods: dict[str, Listed] = {}
        if pods:
            self.pods(*pods)
            self.ready(*pods)

    # Facts

    def at(self, now: float) -> None:
        """Time passes, and what is due in between happens when it is due."""
        self._told()
        while (due := self.pool.next_event(self.now)) <= now:
            self.now = max(self.now, due)
            self._hear(self.pool.expire(self.now))
        self.now = now

    def arrive(
        self,
        name: str,
        lane: Lane = Lane.COUNTED,
        *,
        session: str | None = None,
        home: str | None = None,
        spill: bool = False,
        anchored: bool = False,
        patience: float = math.inf,
        rule: str = "",
        room: Room | None = None,
        need: ModelNeed | None = None,
        may_go_on: bool = False,
        who: str = "",
    ) -> None:
        """`home`: the session's cookie came back and names it."""
        self._told()
        when_busy = WhenBusy.SPILL if spill else WhenBusy.WAIT
        ticket = Ticket(lane, session, home, home is not None, when_busy, patience, label=name, rule=rule, need=need)
        ticket.anchored = anchored
        ticket.may_go_on, ticket.who = may_go_on, who
        self.tickets[name] = ticket
        self._hear(self.pool.arrive(ticket, self.now, room))

    def busy(self, name: str) -> None:
        self._told()
        self._hear(self.pool.backend_busy(name, self.now))

    def cannot_be_asked(self, name: str) -> None:
        self._told()
        self._hear(self.pool.backend_cannot_be_asked(name, self.now))

    def enter(self, who: str = "") -> Room | Refusal:
        return self.pool.enter(self.now, who)

    def leave(
        self, name: str, ending: Ending = Ending.SERVED, *, quarantine: float = 0.0, status: int | None = None
    ) -> None:
        self._told()
        self.tickets[name].status = status
        self._hear(self.pool.leave(self.tickets[name], self.now, ending, quarantine))

    def client_left(self, name: str) -> None:
        """While its backend works on."""
        self._told()
        self._hear(self.pool.client_left(self.tickets[name], self.now))

    def give_back(self, name: str) -> None:
        self._told()
        self._hear(self.pool.give_back(self.tickets[name], self.now))

    def retry(self, name: str, *, quarantine: float) -> None:
        self._told()
        self._hear(self.pool.retry(self.tickets[name], self.now, quarantine))

    def pods(self, *names: str, **facts: Any) -> None:
        """The full listing from now on; `facts` are those of the new ones."""
        self._told()
        self._pods = {name: self._pods.get(name) or listed(name, **facts) for name in names}
        self._hear(self.pool.replace_backends(self._pods.values(), self.now))

    def ready(self, *names: str) -> None:
        self._told()
        for name in names:
            self.state(name, BackendState.READY)

    def state(self, name: str, state: BackendState) -> None:
        self._hear(self.pool.set_state(name, state, self.now))

    def unready(self, name: str, evidence: str) -> None:
        self.pool.backend_unready(name, evidence, self.now)

    def idle(self, name: str, sent_at: float | None = None) -> None:
        self._told()
        self._hear(self.pool.backend_idle(name, self.now if sent_at is None else sent_at, self.now))

    def has(self, name: str, model: str | None, sent_at: float | None = None) -> None:
        """Asked, it says that this is loaded."""
        self._told()
        self._hear(self.pool.backend_model(name, model, self.now if sent_at is None else sent_at, self.now))

    def take_for_removal(self) -> str | None:
        self._told()
        identity, decisions = self.pool.take_for_removal(self.now)
        self._hear(decisions)
        return identity

    def release(self, name: str) -> None:
        self._told()
        self._hear(self.pool.release(name, self.now))

    def drain(self, name: str) -> None:
        self._told()
        self._hear(self.pool.drain(name, self.now))

    def undrain(self, name: str) -> None:
        self._told()
        self._hear(self.pool.undrain(name, self.now))

    def expel(self, name: str) -> None:
        self._told()
        self._hear(self.pool.expel(name, self.now))

    def start_failed(self, evidence: str, *, retry_in: float) -> None:
        self._told()
        self._hear(self.pool.start_failed(evidence, self.now + retry_in, self.now))

    def watch_start(self) -> Refusal | None:
        self._told()
        return self.pool.watch_start(self.now)

    def refit(self, **policy: Any) -> None:
        self._told()
        self._hear(self.pool.refit(Policy(**policy), self.now))

    def stop(self) -> None:
        self._told()
        self._hear(self.pool.stop(self.now))

    # Answers

    def granted(self, name: str, on: str | None = None) -> None:
        decision = self._next()
        assert isinstance(decision, Granted), f"expected {name} granted, got {decision}"
        assert decision.ticket.label == name
        assert on is None or decision.backend.name == on

    def rejected(self, name: str, reason: Reason) -> Refusal:
        decision = self._next()
        assert isinstance(decision, Rejected), f"expected {name} rejected, got {decision}"
        assert (decision.ticket.label, decision.refusal.reason) == (name, reason)
        return decision.refusal

    def judged(self, on: str) -> Judged:
        decision = self._next()
        assert isinstance(decision, Judged), f"expected {on} judged, got {decision}"
        assert decision.backend.name == on
        return decision

    def waits(self, name: str) -> None:
        self._told()
        assert self.tickets[name].state is TicketState.WAITING

    def nothing(self) -> None:
        self._told()

    # Figures

    def receipt(self, name: str) -> str:
        return receipt_of(self.tickets[name])

    def line(self) -> list[str]:
        """Who waits, in order."""
        return [ticket.label for ticket in self.pool.all_waiting()]

    def _hear(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, Warmed):
                self.warmed.append(decision.seconds)
            elif isinstance(decision, Quarantined):
                self.quarantined.append((decision.backend.name, decision.ending, decision.seconds))
            elif isinstance(decision, Unsure):
                self.unsure.append(decision.backend.name)
            else:
                self._inbox.append(decision)

    def _next(self) -> Decision:
        assert self._inbox, "the pool has nothing more to say"
        return self._inbox.pop(0)

    def _told(self) -> None:
        assert not self._inbox, f"untold: {self._inbox}"
