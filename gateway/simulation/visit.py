"""One request in virtual time, from its arrival to its end: what `proxy` does with a turn, and what may go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.core.records.backends_and_tickets import TicketState
from gateway.core.records.decisions import Ending, Reason
from gateway.core.records.lanes import Lane

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

    from gateway.core.records.backends_and_tickets import Backend, Ticket
    from gateway.core.records.decisions import Refusal
    from gateway.simulation.driver import Driver
    from gateway.simulation.pod import Pod

#: Seconds until a connection is refused.
CONNECT = 0.002

_LATE = (Reason.WAITED_TOO_LONG, Reason.NOTHING_CAME_UP, Reason.CLIENT_LIMIT)


@dataclass(frozen=True, slots=True)
class Plan:
    """The needs of a request, and its fate. Seconds, and chances from 0 to 1."""

    work: float
    leaves_after: float | None = None  # then its client is gone
    hangs_up: bool = False  # when its client is gone, its connection is closed at once
    repeatable: bool = False
    quarantine: float = 900.0  # of a slot whose pod may still be at work
    refusal: float = 0.0  # chance that a pod refuses the connection
    answer_within: float | None = None  # of a turn: then its client is told, and the pod works on
    break_off: float = 0.0  # chance that a connection breaks in mid-work, and the pod works on


@dataclass(slots=True, eq=False)
class Visit:
    """`ended` hears of its end, once."""

    ticket: Ticket
    plan: Plan
    driver: Driver
    pods: Mapping[str, Pod]
    dice: random.Random
    ended: Callable[[Visit], None]
    begun: int = 0  # times a pod has begun to work on it
    ending: Ending | None = None
    _client_left: bool = False

    def arrive(self) -> None:
        """The request begins."""
        if self.plan.leaves_after is not None:
            self.driver.loop.after(self.plan.leaves_after, self._client_leaves)
        self.driver.arrive(self.ticket, self)

    # What the driver says

    def turn(self, backend: Backend) -> None:
        """To the pod with it, if that lets it in."""
        pod, turn = self.pods.get(backend.identity), _Turn(self, self.ticket.turns)
        if pod is None or not pod.is_ready or self.dice.random() < self.plan.refusal:
            self.driver.loop.after(CONNECT, turn.connection_refused)
            return
        self.begun += 1
        pod.begin(turn, self.plan.work, takes_slot=self.ticket.lane is Lane.COUNTED)
        if self.plan.answer_within is not None:
            self.driver.loop.after(self.plan.answer_within, turn.too_slow)
        if self.dice.random() < self.plan.break_off:
            self.driver.loop.after(self.plan.work * self.dice.random(), turn.broke)

    def refused(self, refusal: Refusal) -> None:
        """No (further) turn."""
        self._end(Ending.WAITED if refusal.reason in _LATE else Ending.REFUSED)

    # What happens to it

    def give_back(self) -> None:
        """Nothing was started."""
        if self._client_left:
            self._leave(Ending.CLIENT_LEFT_BEFORE_ANSWER)
        else:
            self.driver.give_back(self.ticket)

    def broke(self) -> None:
        """Something was started."""
        if self.plan.repeatable and self.begun == 1 and not self._client_left:
            self.driver.retry(self.ticket, self.plan.quarantine)
        else:
            self._leave(Ending.BACKEND_BROKE_BEFORE_ANSWER, self.plan.quarantine)

    def too_slow(self) -> None:
        """Nobody knows when it will be done."""
        self._leave(Ending.BACKEND_SLOW_ANSWER, self.plan.quarantine)

    def served(self) -> None:
        """The pod is done."""
        self._leave(Ending.CLIENT_LEFT_IN_ANSWER if self._client_left else Ending.SERVED)

    def _client_leaves(self) -> None:
        """From the line at once; at work the answer is read to its end, or the connection closed."""
        self._client_left = True
        if self.ticket.state is TicketState.WAITING:
            self._leave(Ending.CLIENT_LEFT_WAITING)
        elif self.ticket.state is TicketState.HOLDING and self.plan.hangs_up:
            self._leave(Ending.CLIENT_LEFT_IN_ANSWER, self.plan.quarantine)
        else:
            self.driver.client_left(self.ticket)

    def _leave(self, ending: Ending, quarantine: float = 0.0) -> None:
        self.driver.leave(self.ticket, ending, quarantine)
        self._end(ending)

    def _end(self, ending: Ending) -> None:
        assert self.ending is None, "one outcome a ticket"
        self.ending = ending
        self.ended(self)


@dataclass(slots=True, eq=False)
class _Turn:
    """What a pod and the network know: a visit as it was when they heard of it. News of a turn that is over is none."""

    visit: Visit
    number: int

    def connection_refused(self) -> None:
        if self._is_current:
            self.visit.give_back()

    def broke(self) -> None:
        if self._is_current:
            self.visit.broke()

    def too_slow(self) -> None:
        if self._is_current:
            self.visit.too_slow()

    def done(self) -> None:
        if self._is_current:
            self.visit.served()

    @property
    def _is_current(self) -> bool:
        ticket = self.visit.ticket
        return ticket.state is TicketState.HOLDING and ticket.turns == self.number
