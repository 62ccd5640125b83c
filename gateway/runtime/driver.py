"""The driver of one pool on the event loop: turns its decisions into waiting tasks that go on, and gives it the
time.

Owns the clock and the tasks that wait; decides nothing. Every method is synchronous save those that wait for a turn,
so giving back cannot be interrupted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from gateway.core.records.backends_and_tickets import Ticket, TicketState
from gateway.core.records.decisions import (
    Decision,
    Ending,
    Granted,
    Judged,
    Quarantined,
    Refusal,
    Rejected,
    Unsure,
    Warmed,
)
from gateway.core.records.lanes import Lane
from gateway.core.views.snapshot import SHOWN, PoolView, view_of
from gateway.runtime.deadline_timer import DeadlineTimer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from gateway.core.line.room import Room
    from gateway.core.policy import Policy
    from gateway.core.pool import Pool
    from gateway.core.records.backends_and_tickets import Backend
    from gateway.core.records.listed import BackendState, Listed


class Refused(Exception):
    """The pool said no; nothing was started."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason.value)
        self.refusal = refusal


class Slot:
    """A ticket's way through its pool: the request arrives when the context is entered, and whatever it still holds
    is given back when it is left.

        with driver.slot(ticket) as slot:
            await slot.turn()
            ...  # slot.backend works for nobody else beyond its limit

    `at_risk` is set by whoever is about to write to the backend: so many seconds the slot is quarantined if the
    context is left without `done`.
    """

    __slots__ = ("_driver", "_refusal", "_room", "_woken", "at_risk", "service", "ticket", "when_given")

    def __init__(self, driver: Driver, ticket: Ticket, room: Room | None) -> None:
        self.ticket = ticket
        self.at_risk = 0.0
        self.service: float | None = None  # seconds its last turn took
        #: Called once, in the turn of the loop in which a turn is given.
        self.when_given: Callable[[], None] | None = None
        self._driver = driver
        self._room = room
        self._refusal: Refusal | None = None
        self._woken: anyio.Event | None = None

    def __enter__(self) -> Slot:
        self._driver.arrive(self, self._room)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.done(Ending.INTERNAL_ERROR, self.at_risk)

    @property
    def backend(self) -> Backend:
        """The backend of this turn."""
        backend = self.ticket.backend
        assert backend is not None, "asked for the backend outside of a turn"
        return backend

    def now(self) -> float:
        """Seconds on the driver's clock."""
        return self._driver.clock()

    @property
    def waited(self) -> float:
        """Seconds from arrival to the last turn, or until now."""
        ticket = self.ticket
        return (ticket.granted_at if ticket.turns else self._driver.clock()) - ticket.arrived_at

    @property
    def worked(self) -> float:
        """Seconds since its turn began."""
        return self._driver.clock() - self.ticket.granted_at

    @property
    def is_over(self) -> bool:
        """Given back: `done` would do nothing."""
        return self.ticket.state is TicketState.ENDED

    @property
    def is_waiting(self) -> bool:
        """In line: `turn` would wait."""
        return self.ticket.state is TicketState.WAITING

    async def turn(self) -> None:
        """Wait for a turn. Raises Refused."""
        while self.is_waiting:
            self._woken = anyio.Event()
            await self._woken.wait()
        if self._refusal is not None:
            raise Refused(self._refusal)

    def again(self) -> None:
        """The backend refused before a byte was written: back into the line with the old number."""
        self._driver.give_back(self.ticket)
        self.at_risk = 0.0

    def elsewhere(self) -> None:
        """The turn broke without a byte of answer and the request may be repeated: back into the line for one more,
        this slot quarantined for `at_risk` seconds."""
        self._driver.retry(self.ticket, self.at_risk)
        self.at_risk = 0.0

    def done(self, ending: Ending, quarantine: float = 0.0) -> bool:
        """The backend is done (or, with a quarantine, perhaps not): the slot goes to the next in line. Harmless
        when repeated. Returns whether somebody has got a turn by it."""
        if self.ticket.state is TicketState.ENDED:
            return False
        if self.ticket.state is TicketState.HOLDING:
            self.service = self.worked
        return self._driver.leave(self.ticket, ending, quarantine)

    def client_left(self) -> None:
        """The backend works on for nobody."""
        self._driver.client_left(self.ticket)

    def wake(self, refusal: Refusal | None) -> None:
        """The driver's: its ticket has a turn, or will never have one."""
        self._refusal = refusal
        try:
            if self.when_given is not None and self.ticket.state is TicketState.HOLDING:
                call, self.when_given = self.when_given, None
                call()
        finally:
            if self._woken is not None:
                self._woken.set()


class Driver:
    """One pool in real time. `on_wait` is called when a request has joined the line, `on_turn` with the identity of the
    backend when a counted one gets a turn, `on_warmed` with the seconds of each cold start that is over, `on_news`
    when the turns of a backend were found to fail or one of its slots is kept; all must be quick."""

    def __init__(
        self,
        pool: Pool,
        clock: Callable[[], float],
        *,
        on_wait: Callable[[], None] = lambda: None,
        on_warmed: Callable[[float], None] = lambda seconds: None,
        on_turn: Callable[[str], None] = lambda identity: None,
        on_news: Callable[[Judged | Quarantined | Unsure], None] = lambda news: None,
    ) -> None:
        self.pool = pool
        self.clock = clock
        self.on_wait = on_wait
        self.on_warmed = on_warmed
        self.on_turn = on_turn
        self.on_news = on_news
        self._slots: dict[Ticket, Slot] = {}
        self._deadlines = DeadlineTimer(clock, pool.next_event, self._expire)

    async def run(self) -> None:
        """The pool's timers, until cancelled."""
        await self._deadlines.run()

    # Requests

    def enter(self, who: str) -> Room:
        """Room for a request whose body is about to be read. Raises Refused."""
        room = self.pool.enter(self.clock(), who)
        if isinstance(room, Refusal):
            self.on_wait()
            raise Refused(room)
        return room

    def bytes_refusal(self, room: Room) -> Refusal:
        """The refusal of a request for which `room` found no bytes."""
        return self.pool.bytes_refusal(room, self.clock())

    def watch_start(self) -> Refusal | None:
        """Somebody looks at a page that tells of the start; see `Pool.watch_start`."""
        now = self.clock()
        refusal = self.pool.watch_start(now)
        self._deadlines.look(now)
        self.on_wait()
        return refusal

    def slot(self, ticket: Ticket, room: Room | None = None) -> Slot:
        """A context for one request; see Slot."""
        return Slot(self, ticket, room)

    def arrive(self, slot: Slot, room: Room | None) -> None:
        """The Slot's."""
        self._slots[slot.ticket] = slot
        now = self.clock()
        decisions = self.pool.arrive(slot.ticket, now, room)
        self._dispatch(decisions, now, nearer=slot.is_waiting)
        if slot.ticket.turns == 0:
            self.on_wait()

    def client_left(self, ticket: Ticket) -> None:
        """The Slot's."""
        self._tell(lambda now: self.pool.client_left(ticket, now))

    def give_back(self, ticket: Ticket) -> None:
        """The Slot's."""
        self._tell(lambda now: self.pool.give_back(ticket, now))

    def retry(self, ticket: Ticket, quarantine: float) -> None:
        """The Slot's."""
        self._tell(lambda now: self.pool.retry(ticket, now, quarantine))

    def leave(self, ticket: Ticket, ending: Ending, quarantine: float) -> bool:
        """The Slot's."""
        now = self.clock()
        self._slots.pop(ticket, None)
        decisions = self.pool.leave(ticket, now, ending, quarantine)
        self._dispatch(decisions, now, nearer=quarantine > 0 or ticket.may_go_on or self.pool.looks_at_models)
        return any(isinstance(decision, Granted) for decision in decisions)

    # Backends

    def replace_backends(self, listing: Iterable[Listed]) -> None:
        """The whole list of backends that exist now."""
        self._tell(lambda now: self.pool.replace_backends(listing, now))

    def set_state(self, identity: str, state: BackendState) -> None:
        """Probing or a process's end gives a backend a state."""
        self._tell(lambda now: self.pool.set_state(identity, state, now))

    def backend_unready(self, identity: str, evidence: str) -> None:
        """What a backend's last failed readiness probe found; "": the last one passed."""
        self.pool.backend_unready(identity, evidence, self.clock())

    def backend_idle(self, identity: str, sent_at: float) -> None:
        """An idle probe, sent at `sent_at` on this driver's clock, passed."""
        self._tell(lambda now: self.pool.backend_idle(identity, sent_at, now))

    def backend_busy(self, identity: str) -> None:
        """An idle probe said that the backend works."""
        self._tell(lambda now: self.pool.backend_busy(identity, now))

    def backend_cannot_be_asked(self, identity: str) -> None:
        """A backend answered an idle probe in a way that says nothing, and will do so again."""
        self._tell(lambda now: self.pool.backend_cannot_be_asked(identity, now))

    def backend_model(self, identity: str, model: str | None, sent_at: float) -> None:
        """Asked at `sent_at` on this driver's clock, it said what it has loaded; None: it does not say."""
        self._tell(lambda now: self.pool.backend_model(identity, model, sent_at, now))

    def release(self, identity: str) -> None:
        """An operator frees a backend's quarantined slots."""
        self._tell(lambda now: self.pool.release(identity, now))

    def drain(self, identity: str) -> None:
        """An operator wants no new requests there."""
        self._tell(lambda now: self.pool.drain(identity, now))

    def undrain(self, identity: str) -> None:
        """An operator's drain is over."""
        self._tell(lambda now: self.pool.undrain(identity, now))

    def expel(self, label: str) -> None:
        """An operator takes what waits under this label out of the line."""
        self._tell(lambda now: self.pool.expel(label, now))

    def start_failed(self, evidence: str, retry_in: float) -> None:
        """A start died; the next attempt is possible in `retry_in` seconds."""
        self._tell(lambda now: self.pool.start_failed(evidence, now + retry_in, now))

    def start_succeeded(self) -> None:
        """A started backend became ready."""
        self.pool.start_succeeded(self.clock())

    def take_for_removal(self) -> str | None:
        """Choose a backend to stop and drain it; None: all are busy."""
        now = self.clock()
        identity, decisions = self.pool.take_for_removal(now)
        self._dispatch(decisions, now)
        return identity

    # The rest

    def refit(self, policy: Policy) -> None:
        """New rules."""
        self._tell(lambda now: self.pool.refit(policy, now))

    def stop(self) -> None:
        """Refuse everything that waits and everything that comes."""
        self._tell(self.pool.stop)

    def snapshot(self, shown: int = SHOWN) -> PoolView:
        """The pool as it is now, with so many tickets and sessions."""
        return view_of(self.pool, self.clock(), shown)

    def _expire(self) -> None:
        self._tell(self.pool.expire)

    def _tell(self, fact: Callable[[float], list[Decision]]) -> None:
        now = self.clock()
        self._dispatch(fact(now), now)

    def _dispatch(self, decisions: list[Decision], now: float, *, nearer: bool = True) -> None:
        """`nearer`: a deadline may have come nearer. A turn that begins at once or ends well brings at
        most a first session, whose end is far."""
        moves = self.pool.policy.move_when_busy is not None
        for decision in decisions:
            if isinstance(decision, Granted):
                if decision.ticket.lane is Lane.COUNTED:
                    self.on_turn(decision.backend.identity)
                nearer = nearer or (moves and self.pool.waiting > 0)  # its session's others have a home now
                if slot := self._slots.get(decision.ticket):
                    slot.wake(None)
            elif isinstance(decision, Rejected):
                if slot := self._slots.pop(decision.ticket, None):
                    slot.wake(decision.refusal)
            elif isinstance(decision, Warmed):
                self.on_warmed(decision.seconds)
            else:
                self.on_news(decision)
                nearer = True  # the end of an ejection or a quarantine
        if nearer or (self._deadlines.is_idle and self.pool.sessions):
            self._deadlines.look(now)
