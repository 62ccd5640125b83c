"""One pool's matching of waiting tickets to free slots. No clock, no tasks, no sockets.

The pool is told facts, each with the time `now` in seconds, and answers with decisions. Every fact ends in the same
two lines: `_match` hands out what can be handed out, `_settle` brings clocks and demand up to date. One function,
`leave`, ends a ticket in whatever state it is.

A ticket waits in up to two lines: its home's, if it is bound to one, and the shared one, if anybody may serve it. A
freed slot takes the older head of the two, so a bound ticket whose home is busy blocks nobody. Invariants, which the
random walks assert after every step:

- a slot is granted only under the limit; slots = free + in flight + quarantined
- a ticket has one outcome, a turn one end
- no free slot of a ready backend while a ticket waits that may use it now
- grants in order of arrival among tickets with the same rights; a newcomer never overtakes
- an empty pool holds tickets to their deadline
- places and bytes reserved return to zero
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.core.affinity import SessionTable
from gateway.core.backend import Backend, BackendState, Listed, Quarantine
from gateway.core.decisions import Decision, Ending, Granted, Reason, Refusal, Rejected, Warmed
from gateway.core.health import WATCHED_FOR, Starts
from gateway.core.line import Line
from gateway.core.patience import Estimates, Patience, retry_after
from gateway.core.receipt import Witness, what_ended
from gateway.core.room import Budget, Room
from gateway.core.roster import Roster
from gateway.core.scaling.concurrency import TimeWeighted
from gateway.core.snapshot import Counts
from gateway.core.ticket import Lane, Ticket, TicketState, WhenBusy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gateway.core.policy import Policy
    from gateway.core.queue import KeyedHeap
    from gateway.core.scaling.report import RevisionReport

#: Seconds between the two idle probes that free a quarantined slot.
IDLE_APART = 1.0


class Pool:
    """Backends that serve the same thing, and their line. All methods are synchronous and total: a fact about a
    ticket that has ended or a backend that is not known changes nothing."""

    def __init__(self, name: str, policy: Policy, now: float) -> None:
        self.name = name
        self.budget = Budget(policy.bytes_limit)
        self.sessions = SessionTable(policy.session_capacity, policy.session_ttl)
        self.estimates = Estimates()
        self.starts = Starts()
        self.counts = Counts()
        self.load = TimeWeighted()
        self.report: RevisionReport | None = None  # for a remote autoscaler
        self.stopping = False
        self._roster = Roster(policy)
        self._line = Line()
        self._witness = Witness()
        self._patience = Patience(now)
        self._touched: dict[Backend, None] = {}  # may have got a free slot, or a ticket
        self._numbers = 0
        self._grants = 0
        self._cold_since: float | None = None  # since when demand meets no ready backend

    # Figures

    @property
    def policy(self) -> Policy:
        """The rules in force."""
        return self._roster.policy

    @property
    def backends(self) -> Mapping[str, Backend]:
        """By identity: those that exist, and those that still have work of ours."""
        return self._roster.backends

    @property
    def in_flight(self) -> int:
        """Counted turns."""
        return self._roster.in_flight

    @property
    def quarantined(self) -> int:
        """Slots that nobody may have."""
        return self._roster.quarantined

    @property
    def is_cold(self) -> bool:
        """No backend is ready."""
        return not self._roster.ready

    @property
    def ready_count(self) -> int:
        """Ready backends."""
        return len(self._roster.ready)

    @property
    def waiting(self) -> int:
        """Counted tickets in line."""
        return len(self._line.counted)

    @property
    def waiting_exempt(self) -> int:
        """Exempt requests that wait for a first backend."""
        return len(self._line.exempt)

    @property
    def wanted(self) -> int:
        """What keeps at least one backend up or coming: everything in line, and one for those who only look: an
        arrival that is remembered, pages that tell of the start."""
        watched = self.starts.watched_until is not None and self.is_cold
        return len(self._line) + (self.starts.wanted or watched)

    @property
    def demand(self) -> int:
        """What a scaler must serve."""
        return self.wanted + self.in_flight + self.quarantined

    @property
    def waits_for_start(self) -> bool:
        """No backend is ready, and none will be by itself in a moment, as one that is only suspect may be."""
        return self.is_cold and not self._roster.somebody_rests

    def cold_for(self, now: float) -> float:
        """Seconds since demand met no ready backend; 0.0: it has not, or there is one by now."""
        return 0.0 if self._cold_since is None else now - self._cold_since

    def all_waiting(self) -> Iterator[Ticket]:
        """Counted tickets in line, in order."""
        return iter(self._line.counted)

    def first_waiting(self, count: int) -> list[Ticket]:
        """The first so many of them, at a cost that does not grow with the line."""
        return self._line.counted.first_few(count)

    def position(self, ticket: Ticket) -> int:
        """Place in line from 1: O(1), never too low, approximate. The snapshot has the exact order."""
        return self._line.position(ticket)

    def expected_wait(self) -> float | None:
        """Seconds a newcomer is expected to wait; None: nothing was measured yet."""
        return self.estimates.wait(self.waiting, self._roster.ready_slots)

    def has_another(self, backend: Backend) -> bool:
        """Somebody else serves, or may do so again: a broken turn can be repeated elsewhere."""
        return self._roster.has_another(backend)

    def starting(self) -> list[str]:
        """Backends that are not ready and have no work, oldest first."""
        return self._roster.starting()

    def overdue_quarantines(self, age: float, now: float) -> list[str]:
        """Backends with a slot that has been quarantined for `age` seconds and with nothing else in hand."""
        return self._roster.overdue(age, now)

    # Facts about requests

    def enter(self, now: float) -> Room | Refusal:
        """A counted request asks for room before its body is read: a place in line is reserved for it."""
        if self.stopping:
            return self._refusal(Reason.STOPPING)
        if self._is_hopeless(now):
            refusal = self._hopeless(now)
            self._settle([], now)  # it counts as demand from now on
            return refusal
        if not self._has_place():
            return self._refusal(Reason.LINE_FULL)
        return Room(self.budget, place=True)

    def spare_room(self) -> Room:
        """Bytes of the budget without a place in line: for answers that are spooled."""
        return Room(self.budget, place=False)

    def bytes_refusal(self) -> Refusal:
        """What to say when `Room.take` said no."""
        return self._refusal(Reason.BYTES_FULL)

    def arrive(self, ticket: Ticket, now: float, room: Room | None = None) -> list[Decision]:
        """A request whose body is complete takes its place in line (`room`: the place reserved for it)."""
        self._numbers += 1
        ticket.number = self._numbers
        ticket.arrived_at = now
        if refusal := self._turned_away(ticket, room, now):
            return self._settle([self._reject(ticket, refusal)], now)
        if room is not None:
            room.leave_place()
        self._recognise(ticket, now)
        self._patience.set_deadlines(ticket, self.policy.cold_timeout, self.policy.queue_timeout, now)
        decisions = self._join(ticket, now)
        self.counts.arrivals += ticket.lane is Lane.COUNTED or ticket.state is TicketState.WAITING
        if ticket.state is TicketState.WAITING:
            self._patience.watch(ticket)
            ticket.place = self.waiting + self.waiting_exempt
            ticket.met = self._witness.met(ticket, self.backends.values(), now)
        return self._settle(decisions, now)

    def watch_start(self, now: float) -> Refusal | None:
        """Somebody who would wait for a first backend looks at a page that tells of it, and asks again and again. All
        of them together are demand for one, until there is a ready backend or nobody has asked for `WATCHED_FOR`
        seconds. A refusal: there is no start to tell of."""
        if self.stopping:
            return self._refusal(Reason.STOPPING)
        if self._is_hopeless(now):
            refusal = self._hopeless(now)
            self._settle([], now)
            return refusal
        if self.starts.watched_until is None:
            self.counts.arrivals += 1
            self.counts.starts_watched += 1
        self.starts.watched_until = now + WATCHED_FOR
        self._settle([], now)
        return None

    def leave(self, ticket: Ticket, now: float, ending: Ending, quarantine: float = 0.0) -> list[Decision]:
        """The request is over, whatever state its ticket is in. `quarantine`: so many seconds at most its slot is
        kept, because the backend may still be at work (0: the backend is done)."""
        state, ticket.state = ticket.state, TicketState.ENDED
        if state is TicketState.WAITING:
            self._unjoin(ticket)
            ticket.wait_ended = ending.name.lower()
        elif state is TicketState.HOLDING:
            self._end_turn(ticket, now, ending, quarantine)
        return self._settle(self._match(now), now)

    def give_back(self, ticket: Ticket, now: float) -> list[Decision]:
        """The turn ended before a byte was written: the backend is suspect, the ticket keeps its number."""
        backend = ticket.backend
        if ticket.state is not TicketState.HOLDING or backend is None:
            return []
        self._vacate(ticket, backend, now)
        self.counts.give_backs += 1
        self._roster.suspect(backend, now)
        self._reconsider(backend, now)
        return self._again(ticket, now)

    def retry(self, ticket: Ticket, now: float, quarantine: float) -> list[Decision]:
        """The turn broke without a byte of answer and the request may be repeated: one more turn, elsewhere if there
        is anybody else, the first slot quarantined."""
        if ticket.state is not TicketState.HOLDING:
            return []
        ticket.broke_on = ticket.backend
        self._end_turn(ticket, now, Ending.BACKEND_BROKE_BEFORE_ANSWER, quarantine)
        return self._again(ticket, now)

    def _again(self, ticket: Ticket, now: float) -> list[Decision]:
        if self.stopping:
            return self._settle([self._reject(ticket, self._refusal(Reason.STOPPING))], now)
        # One that is served at once has not looked at the line, which its backend's refusal may have unbound.
        decisions = [*self._join(ticket, now), *self._match(now)]
        if ticket.state is TicketState.WAITING:
            if ticket.lane is Lane.PASSIVE:
                self._unjoin(ticket)
                decisions.append(self._reject(ticket, self._refusal(Reason.NO_BACKEND)))
            else:
                self._patience.watch(ticket)
                ticket.met = self._witness.met(ticket, self.backends.values(), now)
        return self._settle(decisions, now)

    def stop(self, now: float) -> list[Decision]:
        """Nothing waits any longer, and nobody comes in."""
        self.stopping = True
        return self._settle(self._refuse(self._line.everybody(), self._refusal(Reason.STOPPING)), now)

    def expel(self, label: str, now: float) -> list[Decision]:
        """An operator takes what waits under this label out of the line."""
        return self._settle(self._refuse(self._line.labelled(label), self._refusal(Reason.EXPELLED)), now)

    # Facts about backends

    def replace_backends(self, listing: Iterable[Listed], now: float) -> list[Decision]:
        """Who exists now. One that is missing while busy drains; it is not forgotten, and if it comes back it is
        the same object."""
        present = {listed.identity: listed for listed in listing}
        for identity, listed in present.items():
            backend = self.backends.get(identity)
            if backend is None:
                backend = self._first_seen(listed, now)
            backend.listed = True
            backend.address, backend.direct_address = listed.address, listed.direct_address
            backend.own_limit, backend.limit = listed.limit, self._roster.limit_of(listed.limit)
            if listed.ready and backend.state is BackendState.STARTING:
                backend.state, backend.ready_at = BackendState.READY, now
            self._reconsider(backend, now)
        for backend in [b for b in self.backends.values() if b.identity not in present]:
            backend.listed = False
            self._reconsider(backend, now)
        return self._settle(self._match(now), now)

    def set_state(self, identity: str, state: BackendState, now: float) -> list[Decision]:
        """What probing, scaling or a process's end says. A backend that drains or is gone stays so."""
        backend = self.backends.get(identity)
        if backend is None or backend.state is BackendState.GONE:
            return []
        if backend.state is BackendState.DRAINING and state is not BackendState.GONE:
            return []
        if state is BackendState.READY and backend.state is not state:
            backend.ready_at = now
        backend.state = state
        if state is BackendState.GONE:
            self._free_quarantines(backend, backend.quarantines.copy(), now)
        self._reconsider(backend, now)
        return self._settle(self._match(now), now)

    def backend_idle(self, identity: str, sent_at: float, now: float) -> list[Decision]:
        """An idle probe, sent at `sent_at`, passed. Two of them, a second apart and both sent after the break, end
        a quarantine."""
        backend = self.backends.get(identity)
        if backend is None:
            return []
        over = []
        for quarantine in backend.quarantines:
            if sent_at < quarantine.since:
                continue
            if quarantine.idle_seen_at is None:
                quarantine.idle_seen_at = sent_at
            elif sent_at - quarantine.idle_seen_at >= IDLE_APART:
                over.append(quarantine)
        self._free_quarantines(backend, over, now)
        return self._settle(self._match(now), now)

    def backend_busy(self, identity: str) -> None:
        """An idle probe said that the backend works: two passes in a row are needed anew."""
        backend = self.backends.get(identity)
        for quarantine in backend.quarantines if backend else ():
            quarantine.idle_seen_at = None

    def release(self, identity: str, now: float) -> list[Decision]:
        """An operator says that the backend's quarantined slots are free."""
        backend = self.backends.get(identity)
        if backend is not None:
            self._free_quarantines(backend, backend.quarantines.copy(), now)
        return self._settle(self._match(now), now)

    def drain(self, identity: str, now: float) -> list[Decision]:
        """An operator wants no new requests there, whatever probes and listings say, until `undrain`."""
        return self._hold(identity, True, now)

    def undrain(self, identity: str, now: float) -> list[Decision]:
        """An operator's drain is over."""
        return self._hold(identity, False, now)

    def _hold(self, identity: str, held: bool, now: float) -> list[Decision]:
        if (backend := self.backends.get(identity)) is not None:
            self._roster.hold(backend, held)
            self._reconsider(backend, now)
        return self._settle(self._match(now), now)

    def take_for_removal(self, now: float) -> str | None:
        """Choose the backend to stop and drain it in the same step: no work, then drained by an operator, the fewest
        live sessions, the longest idle. None: all are busy."""
        backend = self._roster.most_dispensable()
        if backend is None:
            return None
        backend.state = BackendState.DRAINING
        self._reconsider(backend, now)
        self._settle([], now)
        return backend.identity

    def start_failed(self, evidence: str, next_at: float, now: float) -> list[Decision]:
        """A start died. After the third in a row with no backend ready, waiting is pointless."""
        self.starts.failed(evidence, next_at)
        self.counts.starts_failed += 1
        return self._settle([], now)

    def start_succeeded(self, now: float) -> None:
        """A started backend became ready."""
        self.starts.succeeded()
        self._settle([], now)

    def refit(self, policy: Policy, now: float) -> list[Decision]:
        """New rules, from now on. What waits keeps its deadlines, what works keeps its slot."""
        self._roster.policy = policy
        self.budget.bytes_limit = policy.bytes_limit
        self.sessions.capacity, self.sessions.ttl = policy.session_capacity, policy.session_ttl
        for backend in self.backends.values():
            backend.limit = self._roster.limit_of(backend.own_limit)
            self._reconsider(backend, now)
        return self._settle(self._match(now), now)

    # Time

    def next_event(self, now: float) -> float:
        """When `expire` has something to do, if nothing else happens before. inf: never."""
        roster = self._roster
        heaps: tuple[KeyedHeap[Any], ...] = (self._line.spills, roster.suspects, roster.quarantines, roster.stuck)
        keys: list[float] = [self._patience.next_at(now)]
        keys += [key for heap in heaps if (key := heap.first_key()) is not None]
        if (seen := self.sessions.oldest_seen()) is not None:
            keys.append(seen + self.sessions.ttl)
        if self.starts.watched_until is not None:
            keys.append(self.starts.watched_until)
        return min(keys)

    def expire(self, now: float) -> list[Decision]:
        """Everything whose time has come. Slots first, then those who waited too long."""
        for backend in self._roster.suspects.pop_until(now):
            backend.ready_at = now
            self._reconsider(backend, now)
        for backend in self._roster.quarantines.pop_until(now):
            over = [q for q in backend.quarantines if q.until <= now]
            self.counts.quarantines_expired += len(over)
            self._free_quarantines(backend, over, now)
        for backend in self._roster.stuck.pop_until(now):
            backend.given_up = True
            self._line.unbind(backend)
        self._line.spill(now)
        self.sessions.expire(now)
        if self.starts.watched_until is not None and self.starts.watched_until <= now:
            self.starts.watched_until = None
        decisions = self._settle(self._match(now), now)
        if expired := list(self._patience.expired(now)):
            for ticket, _ in expired:
                self._unjoin(ticket)
            tail = retry_after(self.expected_wait())  # the same for all: ten thousand may expire at once
            decisions += [self._reject(ticket, Refusal(reason, tail)) for ticket, reason in expired]
        return self._settle(decisions, now)

    # The match

    def _match(self, now: float) -> list[Decision]:
        decisions: list[Decision] = []
        roster, line = self._roster, self._line
        if not line:
            self._touched.clear()
            return decisions
        while roster.ready and (ticket := line.exempt.first()):
            self._unjoin(ticket)
            chosen = roster.choose(ticket, roster.ready)
            self._end_wait(ticket, chosen, now)
            decisions.append(self._grant(ticket, chosen, now))
        while self._touched:
            backend, _ = self._touched.popitem()
            while backend in roster.free and (ticket := line.next_for(backend)):
                chosen = backend if ticket in backend.line else roster.choose(ticket, roster.free)
                decisions.append(self._grant_next(chosen, now))
        while roster.free and (ticket := line.shared.first()):
            decisions.append(self._grant_next(roster.choose(ticket, roster.free), now))
        return decisions

    def _grant_next(self, backend: Backend, now: float) -> Granted:
        """Whoever was chosen by a ticket may have an older one in its own line."""
        ticket = self._line.next_for(backend)
        assert ticket is not None
        self._unjoin(ticket)
        self._end_wait(ticket, backend, now)
        return self._grant(ticket, backend, now)

    def _end_wait(self, ticket: Ticket, backend: Backend, now: float) -> None:
        """For its receipt, if it really had to wait."""
        if ticket.met is not None:
            ticket.wait_ended = what_ended(ticket, backend, now)

    def _grant(self, ticket: Ticket, backend: Backend, now: float) -> Granted:
        ticket.state = TicketState.HOLDING
        ticket.backend = backend
        ticket.granted_at = now
        ticket.turns += 1
        self._grants += 1
        backend.last_granted = self._grants
        if ticket.lane is Lane.COUNTED:
            backend.in_flight[ticket] = None
            self._roster.in_flight += 1
        else:
            backend.uncounted[ticket] = None
        if ticket.session is not None and ticket.lane is not Lane.PASSIVE:
            self._seat(ticket, backend)
        self._roster.rank(backend, now)
        return Granted(ticket, backend)

    def _seat(self, ticket: Ticket, backend: Backend) -> None:
        """The ticket's session is served by `backend`: at home, as a spill, or at its new home."""
        assert ticket.session is not None
        if ticket.home == backend.identity:
            self.counts.affinity_hits += ticket.returning
            return
        if ticket.bound_to is not None and ticket.when_busy is WhenBusy.SPILL:
            self.counts.affinity_spills += 1
            return
        home = self._roster.home_of(ticket)
        if ticket.lane is Lane.EXEMPT and home is not None and home.may_return:
            return  # home is only resting: a page's small requests do not move a session
        self.counts.affinity_moves += ticket.returning  # a cookie that came back named a home, known here or not
        ticket.home = backend.identity
        ticket.new_home = True
        if session := self.sessions.get(ticket.session):
            self.sessions.move(session, backend.identity)

    # Lines

    def _turned_away(self, ticket: Ticket, room: Room | None, now: float) -> Refusal | None:
        if ticket.lane is Lane.PASSIVE:
            return self._refusal(Reason.NO_BACKEND) if self.is_cold else None
        if self.stopping:
            return self._refusal(Reason.STOPPING)
        if self._is_hopeless(now):
            return self._hopeless(now)
        if room is None and not self._has_place() and not (ticket.lane is Lane.EXEMPT and self._roster.ready):
            return self._refusal(Reason.LINE_FULL)
        return None

    def _has_place(self) -> bool:
        """One more fits into the line, or will not have to wait."""
        taken = len(self._line) + self.budget.uploading
        if taken < self.policy.line_limit:
            return True
        free = sum(b.free_slots if b.limit else taken + 1 for b in self._roster.free.members())
        return taken < self.policy.line_limit + free

    def _recognise(self, ticket: Ticket, now: float) -> None:
        """Whose home is where: the table knows better than the cookie."""
        if ticket.session is None:
            return
        session = self.sessions.get(ticket.session)
        if ticket.lane is not Lane.PASSIVE and ticket.returning:
            session = self.sessions.touch(ticket.session, ticket.home, now)
        if session is not None:
            ticket.home = session.home

    def _join(self, ticket: Ticket, now: float) -> list[Decision]:
        """Into the line, and out again if it can be served. Where nobody waits whom it might overtake, it does not
        have to stand in it first: that is most of what a free pool's requests would cost."""
        roster, line = self._roster, self._line
        ticket.state = TicketState.WAITING
        ticket.backend = None
        if ticket.lane is not Lane.COUNTED:
            if roster.ready and not line.exempt:
                return [self._grant(ticket, roster.choose(ticket, roster.ready), now)]
            line.join(ticket, None, 0.0, now)
            return self._match(now)
        home = roster.home_of(ticket)
        if home is not None and (home not in roster.ready or home.given_up or home is ticket.broke_on):
            home = None
        if roster.free and not line.counted and (home is None or home in roster.free):
            ticket.bound_to = home
            return [self._grant(ticket, roster.choose(ticket, roster.free), now)]
        if home is not None:
            self._touched[home] = None
        line.join(ticket, home, self.policy.spill_after, now)
        return self._match(now)

    def _unjoin(self, ticket: Ticket) -> None:
        self._line.leave(ticket)
        self._patience.unwatch(ticket)

    # Slots

    def _end_turn(self, ticket: Ticket, now: float, ending: Ending, quarantine: float) -> None:
        backend = ticket.backend
        assert backend is not None
        counted = ticket.lane is Lane.COUNTED
        if ending is Ending.SERVED:
            backend.refusals = 0
            if counted:
                backend.served += 1
                self.estimates.served(now - ticket.granted_at)
        if counted and quarantine > 0 and backend.limit > 0 and backend.state is not BackendState.GONE:
            self._roster.quarantine(backend, Quarantine(now, now + quarantine, ending.name.lower()))
            self.counts.quarantines += 1
        self._vacate(ticket, backend, now)

    def _vacate(self, ticket: Ticket, backend: Backend, now: float) -> None:
        if ticket.lane is Lane.COUNTED:
            del backend.in_flight[ticket]
            self._roster.in_flight -= 1
            if not backend.in_flight:
                backend.idle_since = now
            self._prolong(ticket, now)
            self._reconsider(backend, now)
        else:
            del backend.uncounted[ticket]
            self._prolong(ticket, now)
            self._roster.left(backend, now)

    def _prolong(self, ticket: Ticket, now: float) -> None:
        """The end of a turn is a sign of life, too, even if the session's time ran out during it."""
        if ticket.session is None or ticket.lane is Lane.PASSIVE:
            return
        if ticket.returning or self.sessions.get(ticket.session):
            self.sessions.touch(ticket.session, ticket.home, now)

    # Backends

    def _first_seen(self, listed: Listed, now: float) -> Backend:
        backend = self._roster.first_seen(listed, self.sessions.at_home(listed.identity), now)
        self.counts.quarantines += len(backend.quarantines)
        return backend

    def _free_quarantines(self, backend: Backend, over: list[Quarantine], now: float) -> None:
        self._roster.free_quarantines(backend, over, now)
        self._reconsider(backend, now)

    def _reconsider(self, backend: Backend, now: float) -> None:
        """Something about the backend has changed: the next match looks at it, or nobody waits for it."""
        self._roster.reconsider(backend, now)
        if backend in self._roster.free:
            self._touched[backend] = None
        elif backend not in self._roster.ready:
            self._line.unbind(backend)

    # Answers

    def _refusal(self, reason: Reason) -> Refusal:
        return Refusal(reason, retry_after(self.expected_wait()))

    def _refuse(self, tickets: list[Ticket], refusal: Refusal) -> list[Decision]:
        """These leave the line, all with the same answer."""
        for ticket in tickets:
            self._unjoin(ticket)
        return [self._reject(ticket, refusal) for ticket in tickets]

    def _is_hopeless(self, now: float) -> bool:
        """Starts die, nobody is ready, and nobody is only suspect, to be asked again in a moment."""
        return self.is_cold and self.starts.is_hopeless(now) and not self._roster.somebody_rests

    def _hopeless(self, now: float, *, remember: bool = True) -> Refusal:
        self.starts.wanted = self.starts.wanted or remember
        return Refusal(Reason.STARTS_FAIL, retry_after(self.starts.next_at - now), self.starts.evidence)

    def _reject(self, ticket: Ticket, refusal: Refusal) -> Rejected:
        ticket.state = TicketState.ENDED
        ticket.wait_ended = refusal.reason.value
        return Rejected(ticket, refusal)

    def _settle(self, decisions: list[Decision], now: float) -> list[Decision]:
        """The same end for every fact: sessions that have moved, a line that waits in vain, clocks, demand, the cold
        start that is over."""
        while self.sessions.changed:
            if backend := self.backends.get(self.sessions.changed.pop()):
                backend.sessions = self.sessions.at_home(backend.identity)
                self._roster.rank(backend, now)
        if self._line and self._is_hopeless(now):
            decisions += self._refuse(self._line.everybody(), self._hopeless(now, remember=False))
        roster = self._roster
        cold, wanted, working = not roster.ready, self.wanted, roster.in_flight + roster.quarantined
        self._patience.clocks.switch(cold, now)
        self.load.set(now, wanted + working)
        if self.report is not None:
            self.report.set(now, waiting=wanted, working=working, arrivals=self.counts.arrivals)
        if cold and wanted and not roster.somebody_rests:
            if self._cold_since is None:
                self._cold_since = now
                self.counts.cold_starts += 1
        elif self._cold_since is not None:
            if not cold:
                self.starts.watched_until = None
                self.estimates.warmed(now - self._cold_since)
                decisions.append(Warmed(now - self._cold_since))
            self._cold_since = None
        return decisions
