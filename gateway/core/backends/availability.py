"""Availability of the pool's backends: owns them and the orders they stand in (ready, free, suspect, ejected,
quarantined, stuck), and keeps the orders true to the backends' facts.

    ready        listed, probed, not draining, not suspect, not ejected
    free         ready, with a free slot
    suspects     by the end of their back-off
    quarantines  by the first end of one of theirs
    ejected      by the end of their rest
    stuck        by when nobody waits for them any more: every slot is quarantined

`reconsider` is the one place that brings these up to date after something about a backend has changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.backends.balancing import free_rank, ready_rank
from gateway.core.backends.health import suspect_seconds
from gateway.core.keyed_heap import KeyedHeap
from gateway.core.policy import Balancing
from gateway.core.records.backends_and_tickets import Backend
from gateway.core.records.listed import BackendState, Listed
from gateway.core.records.quarantine import Quarantine

if TYPE_CHECKING:
    from gateway.core.policy import Policy
    from gateway.core.records.backends_and_tickets import Ticket
    from gateway.core.records.decisions import Decision


class Availability:
    """The pool tells it what happened; it never touches a line."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.backends: dict[str, Backend] = {}
        self.in_flight = 0  # counted turns
        self.quarantined = 0  # slots
        self.unknown = 0  # of them, those of which nobody knows whether there is any work
        self.ready: KeyedHeap[Backend] = KeyedHeap()
        self.free: KeyedHeap[Backend] = KeyedHeap()
        self.suspects: KeyedHeap[Backend] = KeyedHeap()
        self.ejected: KeyedHeap[Backend] = KeyedHeap()
        self.quarantines: KeyedHeap[Backend] = KeyedHeap()
        self.stuck: KeyedHeap[Backend] = KeyedHeap()
        self.held: set[str] = set()  # identities under an operator's drain: who leaves and comes back is so still
        self.announced: list[Decision] = []  # what has become of backends, for the pool to tell
        self._visited: dict[Backend, None] = {}  # their place among the ready is not up to date
        self._orders = 0

    # Looking

    @property
    def somebody_rests(self) -> bool:
        """A backend is only suspect, and will be asked again in a moment: that is cold, but no cold start."""
        return any(b.listed and b.may_return and b.state is BackendState.READY for b in self.suspects.members())

    @property
    def unready_because(self) -> str:
        """Why the first backend that is not ready is not; "": nobody knows. O(backends)."""
        unready = (b.unready_because for b in self.backends.values() if b.listed and b.state is BackendState.STARTING)
        return next(filter(None, unready), "")

    def home_of(self, ticket: Ticket) -> Backend | None:
        """The backend that the ticket's session belongs to, if it exists."""
        return self.backends.get(ticket.home) if ticket.home is not None else None

    def choose(self, ticket: Ticket, among: KeyedHeap[Backend]) -> Backend:
        """Home, else the first in rank; where its turn broke only if there is nobody else. `among` is not empty."""
        home = self.home_of(ticket)
        if home is not None and home in among and home is not ticket.broke_on:
            return home
        if self._visited and among is self.ready:
            self._rank_visited()
        chosen = among.first_but(ticket.broke_on)
        assert chosen is not None
        return chosen

    def has_another(self, backend: Backend) -> bool:
        """Somebody else serves, or may do so again."""
        return any(b is not backend and b.listed and b.may_return for b in self.backends.values())

    def most_dispensable(self) -> Backend | None:
        """No work, then drained by an operator, found to fail, the fewest live sessions, the longest idle. None: all
        are busy."""
        idle = [b for b in self.backends.values() if b.state is BackendState.READY and b.listed and not b.is_busy]
        return min(idle, key=lambda b: (not b.held, -b.conduct.judged, b.sessions, b.idle_since, b.order), default=None)

    def starting(self) -> list[str]:
        """Backends that are not ready and have no work, oldest first."""
        return [
            b.identity
            for b in self.backends.values()
            if b.state is BackendState.STARTING and b.listed and not b.is_busy
        ]

    def overdue(self, age: float, now: float) -> list[str]:
        """Backends with a slot that has been quarantined for `age` seconds and with nothing else in hand, save
        those that say that they work."""
        return [
            backend.identity
            for backend in self.backends.values()
            if not backend.in_flight
            and any(now - q.since >= age for q in backend.quarantines)
            and not backend.says_busy(now)
        ]

    # Changing

    def announcements(self) -> list[Decision]:
        """What has become of backends since this was asked last."""
        announced, self.announced = self.announced, []
        return announced

    def first_seen(self, listed: Listed, sessions: int, now: float) -> Backend:
        """Unknown is not free: if the profile can ask, its slots are quarantined until it was asked."""
        self._orders += 1
        limit = self.limit_of(listed.limit)
        backend = Backend(listed.identity, listed.address, listed.name, limit, self._orders, idle_since=now)
        backend.starting_since = now
        backend.sessions = sessions
        backend.held = listed.identity in self.held
        self.backends[listed.identity] = backend
        if self.policy.can_ask and self.policy.unknown_for > 0 and not listed.fresh:
            for _ in range(limit):
                self.quarantine(
                    backend, Quarantine(now, now + self.policy.unknown_for, "first seen", is_known_work=False)
                )
        return backend

    def limit_of(self, own_limit: int | None) -> int:
        """A backend's own limit, else the pool's."""
        return self.policy.limit if own_limit is None else own_limit

    def quarantine(self, backend: Backend, quarantine: Quarantine) -> None:
        """One more slot that nobody may have."""
        backend.quarantines.append(quarantine)
        self.quarantined += 1
        self.unknown += not quarantine.is_known_work

    def free_quarantines(self, backend: Backend, over: list[Quarantine], now: float) -> None:
        """These are over."""
        if over:
            backend.released_at = now
        for quarantine in over:
            backend.quarantines.remove(quarantine)
            self.quarantined -= 1
            self.unknown -= not quarantine.is_known_work

    def know_work(self, quarantine: Quarantine) -> None:
        """The backend says that it works on something."""
        if not quarantine.is_known_work:
            quarantine.is_known_work = True
            self.unknown -= 1

    def hold(self, backend: Backend, held: bool) -> None:
        """An operator drains it, or does so no longer."""
        backend.held = held
        if held:
            self.held.add(backend.identity)
        else:
            self.held.discard(backend.identity)

    def suspect(self, backend: Backend, now: float) -> None:
        """Marks a backend suspect because it refused a connection. Turns that fail together are one refusal, or a
        page of small files would cost half a minute."""
        if backend.is_suspect(now):
            return
        backend.refusals += 1
        backend.suspect_until = now + suspect_seconds(backend.refusals)
        self.suspects.put(backend, backend.suspect_until)

    def reconsider(self, backend: Backend, now: float) -> None:
        """Something about it has changed: bring every order it stands in up to date."""
        if not backend.is_stuck:
            backend.given_up = False
            self.stuck.discard(backend)
        elif not backend.given_up and backend not in self.stuck:
            self.stuck.put(backend, now + self.policy.move_after)
        if backend.quarantines:
            self.quarantines.put(backend, min(q.until for q in backend.quarantines))
        else:
            self.quarantines.discard(backend)
        self.rank(backend, now)
        if backend not in self.ready:
            self._forget_if_done(backend)

    def visited(self, backend: Backend, now: float) -> None:
        """A request that takes no slot comes to it, or has left it: of its slots and its state nothing has changed. Its
        place among the ready has, and is looked up when somebody comes who has no home: most have one."""
        if self.policy.balancing is Balancing.ROUND_ROBIN:
            self.rank(backend, now)
        else:
            self._visited[backend] = None
        if backend not in self.ready:
            self._forget_if_done(backend)

    def rank(self, backend: Backend, now: float) -> None:
        """Its place among the ready and the free."""
        if not backend.is_eligible(now):
            self.ready.discard(backend)
            self.free.discard(backend)
            return
        self.ready.put(backend, ready_rank(backend))
        if backend.free_slots > 0:
            self.free.put(backend, free_rank(self.policy.balancing, backend))
        else:
            self.free.discard(backend)

    def _rank_visited(self) -> None:
        for backend in self._visited:
            if backend in self.ready:
                self.ready.put(backend, ready_rank(backend))
        self._visited.clear()

    def _forget_if_done(self, backend: Backend) -> None:
        if (backend.listed and backend.state is not BackendState.GONE) or not backend.is_done:
            return
        if backend.state is BackendState.GONE:
            self.held.discard(backend.identity)
        if self.backends.get(backend.identity) is backend:
            del self.backends[backend.identity]
        self.suspects.discard(backend)
        self.ejected.discard(backend)
        self._visited.pop(backend, None)
