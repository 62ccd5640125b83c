"""A pool: matches waiting tickets to free slots. No clock, no tasks, no sockets.

The pool is told facts, each with the time `now` in seconds, and answers with decisions. Here is its face: each fact is
handed to the part that owns it, and ends in the same two lines: the match hands out what can be handed out, `_settle`
brings clocks and demand up to date. One function, `leave`, ends a ticket in whatever state it is.

Invariants, which the random walks assert after every step:

- a slot is granted only under the limit; slots = free + in flight + quarantined
- a ticket has one outcome, a turn one end
- no free slot of a ready backend while a ticket waits that may use it now
- grants in order of arrival among tickets with the same rights; a newcomer never overtakes
- where models matter, both may be broken for one ticket for `model_switch_cost` seconds, once (`models/models.py`)
- an empty pool holds tickets to their deadline
- places and bytes reserved return to zero
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.core.backends.health import WATCHED_FOR
from gateway.core.figures import Figures
from gateway.core.line.admission import reject
from gateway.core.line.model_order import look_at_models
from gateway.core.line.room import NOBODY, Room
from gateway.core.parts import Parts
from gateway.core.records.backends_and_tickets import Ticket, TicketState
from gateway.core.records.decisions import Decision, Ending, Reason, Refusal
from gateway.core.records.lanes import Lane
from gateway.core.records.receipt import Blockers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.core.keyed_heap import KeyedHeap
    from gateway.core.policy import Policy
    from gateway.core.records.listed import BackendState, Listed


class Pool(Figures):
    """Backends that serve the same thing, and their line. All methods are synchronous and total: a fact about a
    ticket that has ended or a backend that is not known changes nothing."""

    def __init__(self, name: str, policy: Policy, now: float) -> None:
        parts = Parts(policy, now)
        super().__init__(name, parts)
        self._deadlines = parts.deadlines
        self._homes = parts.homes
        self._match = parts.match
        self._turn_ends = parts.turn_ends
        self._abandoned = parts.abandoned
        self._membership = parts.membership
        self._blockers = Blockers()
        self._numbers = 0
        self._look_at_models(policy)

    # Facts about requests

    def enter(self, now: float, who: str = NOBODY) -> Room | Refusal:
        """A counted request asks for room before its body is read: a place in line is reserved for it."""
        if refusal := self._shut(now):
            return refusal
        if lacks := self._admission.lacks_place(who):
            return self._admission.refusal(lacks, now)
        return Room(self.budget, who, place=True)

    def spare_room(self, who: str = NOBODY) -> Room:
        """Bytes of the budget without a place in line: for answers that are spooled."""
        return Room(self.budget, who, place=False)

    def bytes_refusal(self, room: Room, now: float) -> Refusal:
        """The refusal of a request for which `Room.take` found no bytes."""
        return self._admission.refusal(room.lacked, now)

    def arrive(self, ticket: Ticket, now: float, room: Room | None = None) -> list[Decision]:
        """A request whose body is complete takes its place in line (`room`: the place reserved for it)."""
        self._numbers += 1
        ticket.number = self._numbers
        ticket.arrived_at = now
        if refusal := self._admission.turned_away(ticket, room, now):
            return self._settle([reject(ticket, refusal)], now)
        if room is not None:
            room.leave_place()
        self._homes.recognise(ticket, now)
        policy = self._availability.policy
        self._deadlines.set_deadlines(ticket, policy.cold_timeout, policy.queue_timeout, now)
        decisions = self._match.join(ticket, now)
        waits = ticket.state is TicketState.WAITING
        self.counts.arrivals += waits or ticket.lane is Lane.COUNTED
        if waits:
            ticket.place = self.waiting + self.waiting_exempt
            self._wait(ticket, now)
        return self._settle(decisions, now)

    def watch_start(self, now: float) -> Refusal | None:
        """Somebody who would wait for a first backend looks at a page that tells of it, and asks again and again. All
        of them together are demand for one, until there is a ready backend or nobody has asked for `WATCHED_FOR`
        seconds. A refusal: there is no start to tell of."""
        if refusal := self._shut(now):
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
            self._match.unjoin(ticket)
            ticket.wait_ended = ending.name.lower()
        elif state is TicketState.HOLDING and ticket.backend is not None:
            self._turn_ends.end(ticket, ticket.backend, now, ending, quarantine)
        return self._hand_out(now)

    def client_left(self, ticket: Ticket, now: float) -> list[Decision]:
        """Its client has left, or was told that it takes too long, and the backend works on: the ticket leaves when
        that is over."""
        if ticket.state is TicketState.HOLDING and ticket.lane is Lane.COUNTED:
            self._abandoned.begun(ticket)
        return self._settle([], now)

    def give_back(self, ticket: Ticket, now: float) -> list[Decision]:
        """The turn ended before a byte was written: the backend is suspect, the ticket keeps its number."""
        if ticket.state is not TicketState.HOLDING or ticket.backend is None:
            return []
        self._turn_ends.refused(ticket, ticket.backend, now)
        return self._again(ticket, now)

    def retry(self, ticket: Ticket, now: float, quarantine: float) -> list[Decision]:
        """The turn broke without a byte of answer and the request may be repeated: one more turn, elsewhere if there
        is anybody else, the first slot quarantined."""
        if ticket.state is not TicketState.HOLDING or ticket.backend is None:
            return []
        ticket.broke_on = ticket.backend
        self._turn_ends.end(ticket, ticket.backend, now, Ending.BACKEND_BROKE_BEFORE_ANSWER, quarantine)
        return self._again(ticket, now)

    def stop(self, now: float) -> list[Decision]:
        """Nothing waits any longer, and nobody comes in."""
        self._admission.stopping = True
        return self._settle(self._refuse(self._line.everybody(), self._admission.refusal(Reason.STOPPING, now)), now)

    def expel(self, label: str, now: float) -> list[Decision]:
        """An operator takes what waits under this label out of the line."""
        return self._settle(
            self._refuse(self._line.labelled(label), self._admission.refusal(Reason.EXPELLED, now)), now
        )

    # Facts about backends

    def replace_backends(self, listing: Iterable[Listed], now: float) -> list[Decision]:
        """The whole list of backends that exist now. One that is missing while busy drains; it is not forgotten, and
        if it comes back it is the same object."""
        self._membership.replace(listing, now)
        return self._hand_out(now)

    def set_state(self, identity: str, state: BackendState, now: float) -> list[Decision]:
        """Probing, scaling or a process's end gives a backend a state. One that drains or is gone stays so."""
        if (backend := self.backends.get(identity)) is not None:
            self._membership.set_state(backend, state, now)
        return self._hand_out(now)

    def backend_unready(self, identity: str, evidence: str, now: float) -> None:
        """What the last failed readiness probe found; "": the last one passed."""
        if (backend := self.backends.get(identity)) is not None:
            backend.unready_because, backend.unready_since = evidence, now

    def backend_idle(self, identity: str, sent_at: float, now: float) -> list[Decision]:
        """An idle probe, sent at `sent_at`, passed. Two of them, a second apart and both sent after the break, end
        a quarantine."""
        if (backend := self.backends.get(identity)) is not None:
            self._turn_ends.seems_idle(backend, sent_at, now)
        return self._hand_out(now)

    def backend_busy(self, identity: str, now: float) -> list[Decision]:
        """An idle probe said that the backend works: two passes in a row are needed anew, and no quarantine of its
        slots expires while it goes on saying so."""
        if (backend := self.backends.get(identity)) is not None:
            self._turn_ends.seems_busy(backend, now)
        return self._settle([], now)

    def backend_cannot_be_asked(self, identity: str, now: float) -> list[Decision]:
        """It answered an idle probe in a way that says nothing, and will do so again: it is as one whose kind has
        no idle probe."""
        if (backend := self.backends.get(identity)) is not None:
            self._turn_ends.cannot_be_asked(backend, now)
        return self._hand_out(now)

    def backend_model(self, identity: str, model: str | None, sent_at: float, now: float) -> list[Decision]:
        """Asked at `sent_at`, it said what it has loaded; None: it does not say. If it has had work since, it may have
        spoken of that, and is to be asked again."""
        backend, models = self.backends.get(identity), self._line.models
        if backend is None or models is None or not backend.has_rested(sent_at):
            return []
        models.told(backend, model, now)
        self._match.reconsider(backend, now)
        return self._hand_out(now)

    def release(self, identity: str, now: float) -> list[Decision]:
        """An operator says that the backend's quarantined slots are free, and that it is well if it is ejected."""
        if (backend := self.backends.get(identity)) is not None:
            self._judge.pardon(backend, now)
            self._turn_ends.free(backend, backend.quarantines, now)
        return self._hand_out(now)

    def drain(self, identity: str, now: float) -> list[Decision]:
        """An operator wants no new requests there, whatever probes and listings say, until `undrain`."""
        return self._hold(identity, True, now)

    def undrain(self, identity: str, now: float) -> list[Decision]:
        """An operator's drain is over."""
        return self._hold(identity, False, now)

    def take_for_removal(self, now: float) -> tuple[str | None, list[Decision]]:
        """Choose the backend to stop and drain it in the same step: no work, then drained by an operator, found to
        fail, the fewest live sessions, the longest idle. None: all are busy."""
        backend = self._membership.take_for_removal(now)
        decisions = self._hand_out(now)  # one that is ejected may have to take its place
        return backend.identity if backend is not None else None, decisions

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
        if policy.model_switch_cost != self.policy.model_switch_cost:
            self._look_at_models(policy)
        self._availability.policy = policy
        self.budget.refit(policy)
        self.sessions.capacity, self.sessions.ttl = policy.session_capacity, policy.session_ttl
        self._judge.refit(now)
        self._membership.refit(now)
        return self._hand_out(now)

    def _look_at_models(self, policy: Policy) -> None:
        look_at_models(policy.model_switch_cost, self._availability, self._line, self.counts)

    # Time

    def next_event(self, now: float) -> float:
        """When `expire` has something to do, if nothing else happens before. inf: never."""
        availability = self._availability
        heaps: tuple[KeyedHeap[Any], ...] = (
            self._line.spills,
            availability.suspects,
            availability.ejected,
            availability.quarantines,
            availability.stuck,
        )
        keys: list[float] = [self._deadlines.next_at(now)]
        keys += [key for heap in heaps if (key := heap.first_key()) is not None]
        if (seen := self.sessions.oldest_seen()) is not None:
            keys.append(seen + self.sessions.ttl)
        if self.starts.watched_until is not None:
            keys.append(self.starts.watched_until)
        if (models := self._line.models) is not None and (due := models.line.next_event()) is not None:
            keys.append(due)
        return min(keys)

    def expire(self, now: float) -> list[Decision]:
        """Everything whose time has come. Slots first, then those who waited too long."""
        self._membership.expire(now)
        for backend in self._judge.expire(now):
            self._match.reconsider(backend, now)
        self._turn_ends.expire(now)
        for backend in self._availability.stuck.pop_until(now):
            backend.given_up = True
            self._line.unbind(backend)
        self._line.spill(now)
        self.sessions.expire(now)
        self.starts.expire(now)
        decisions = self._hand_out(now)
        if expired := list(self._deadlines.expired(now)):
            for ticket, _ in expired:
                self._match.unjoin(ticket)
            # The same for all of one reason: ten thousand may expire at once.
            refusals = {reason: self._admission.refusal(reason, now) for reason in {reason for _, reason in expired}}
            decisions += [reject(ticket, refusals[reason]) for ticket, reason in expired]
        return self._settle(decisions, now)

    # How facts end

    def _hand_out(self, now: float) -> list[Decision]:
        return self._settle(self._served(now), now)

    def _served(self, now: float) -> list[Decision]:
        for backend in self._judge.keep_enough(now):
            self._match.reconsider(backend, now)
        return self._match.hand_out(now)

    def _settle(self, decisions: list[Decision], now: float) -> list[Decision]:
        """The same end for every fact: sessions that have moved, a line that waits in vain, clocks, demand, the cold
        start that is over."""
        if self._availability.announced:
            decisions += self._availability.announcements()
        if self.sessions.changed:
            self._homes.count(now)
        ready, line = self._availability.ready, self._line
        if not ready and (line.counted or line.exempt) and self._admission.is_hopeless(now):
            decisions += self._refuse(line.everybody(), self._admission.hopeless(now))
        self._deadlines.clocks.switch(not ready, now)
        if warmed := self._demand.settle(now):
            decisions.append(warmed)
        return decisions

    # What several facts have in common

    def _again(self, ticket: Ticket, now: float) -> list[Decision]:
        """Back into the line with the old number, or out again at once."""
        if self.stopping:
            return self._settle([reject(ticket, self._admission.refusal(Reason.STOPPING, now))], now)
        # One that is served at once has not looked at the line, which its backend's refusal may have unbound.
        decisions = [*self._match.join(ticket, now), *self._served(now)]
        if ticket.state is TicketState.WAITING:
            if ticket.lane is Lane.PASSIVE:
                decisions += self._refuse([ticket], self._admission.refusal(Reason.NO_BACKEND, now))
            else:
                self._wait(ticket, now)
        return self._settle(decisions, now)

    def _wait(self, ticket: Ticket, now: float) -> None:
        self._deadlines.watch(ticket)
        ticket.met = self._blockers.met(ticket, self.backends.values(), now)

    def _shut(self, now: float) -> Refusal | None:
        if refusal := self._admission.shut(now):
            self._settle([], now)  # it may count as demand from now on
        return refusal

    def _hold(self, identity: str, held: bool, now: float) -> list[Decision]:
        if (backend := self.backends.get(identity)) is not None:
            self._membership.hold(backend, held, now)
        return self._hand_out(now)

    def _refuse(self, tickets: list[Ticket], refusal: Refusal) -> list[Decision]:
        """These leave the line, all with the same answer."""
        for ticket in tickets:
            self._match.unjoin(ticket)
        return [reject(ticket, refusal) for ticket in tickets]
