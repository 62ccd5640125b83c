"""The snapshot of one pool: plain figures for the operators' port, the metrics and the scaler. Ages are seconds."""

from __future__ import annotations

import hashlib
import itertools
import math
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from gateway.core.records.listed import BackendState
from gateway.core.records.receipt import Look, receipt_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.core.pool import Pool
    from gateway.core.records.backends_and_tickets import Backend, Ticket
    from gateway.core.records.counts import Counts
    from gateway.core.records.quarantine import Quarantine

#: How many tickets and sessions a snapshot shows; the figures beside them count all.
SHOWN = 100


class TicketView(NamedTuple):
    """One request, in line or at work."""

    number: int
    lane: str
    label: str
    age: float  # since it arrived
    working: float | None = None  # since its turn began
    bound_to: str | None = None  # name of the backend it waits for
    why: str = ""  # its receipt: why it waits, or waited
    model: str | None = None  # what it asks for by name


class QuarantineView(NamedTuple):
    """A slot whose request is over for us but perhaps not for the backend."""

    age: float
    ends_in: float | None  # None: only an idle probe, an operator or the backend's end frees it
    idle_seen: bool  # one of the two idle probes has passed
    why: str


class BackendView(NamedTuple):
    """One pod or process."""

    name: str
    identity: str
    address: str
    state: str  # starting, ready, suspect, ejected, draining, gone
    limit: int  # 0: no limit
    in_flight: int
    exempt: int  # uncounted requests it is answering
    quarantined: int
    waiting: int  # in its own queue
    sessions: int  # live ones
    served: int  # turns ended well, since it was first seen
    idle: float | None  # seconds without counted work; None: at work
    suspect_for: float | None
    tickets: tuple[TicketView, ...] = ()
    quarantines: tuple[QuarantineView, ...] = ()
    held: bool = False  # drained by an operator
    model: str | None = None  # loaded, if the pool looks at models; None: unknown, or nothing
    unready_because: str = ""  # what its last failed probe found, while it is not ready
    unready_for: float | None = None  # since that was found first
    ejected_for: float | None = None  # seconds that are left of it
    fails_because: str = ""  # why its turns were found to fail, until one goes well
    found_failing: int = 0  # so often in a row


class LineView(NamedTuple):
    """The waiting requests and what they hold."""

    waiting: int  # counted
    waiting_exempt: int
    uploading: int  # places reserved while a body is read
    limit: int
    bytes_held: int
    bytes_limit: int
    oldest: float | None
    expected_wait: float | None  # of a newcomer; None: nothing was measured yet
    tickets: tuple[TicketView, ...] = ()  # in order, the first hundred


class SessionView(NamedTuple):
    """One session. Its id is shown as a short hash."""

    id_hash: str
    home: str | None
    idle: float


class PoolView(NamedTuple):
    """Everything about one pool."""

    name: str
    cold: bool
    stopping: bool
    demand: int
    free: int  # slots; -1: no limit
    slots: int
    in_flight: int
    quarantined: int
    line: LineView
    backends: tuple[BackendView, ...]
    sessions_live: int
    sessions: tuple[SessionView, ...]
    service_median: float | None
    cold_start_median: float | None
    start_failures: int  # in a row
    next_start_in: float | None
    watched: bool  # a page that tells of the start is demand for one backend
    counts: Counts
    looks_at_models: bool = False  # what is loaded where, and who needs what, matters here
    start_evidence: str = ""  # how the last start died, while `start_failures` is not 0


@lru_cache(4096)
def short_hash(session_id: str) -> str:
    """A session as logs and snapshots show it: enough to tell two apart, not enough to be one."""
    return hashlib.sha256(session_id.encode()).hexdigest()[:8]


def view_of(pool: Pool, now: float, shown: int = SHOWN) -> PoolView:
    """`pool` at `now`. O(backends + what is shown). `shown`: tickets of each backend and of the line, and sessions; who
    wants the figures alone takes none."""
    backends = tuple([_backend_view(backend, now, shown) for backend in pool.backends.values()])
    slots = sum(backend.limit for backend in backends)
    unlimited = any(backend.limit == 0 for backend in backends)
    return PoolView(
        name=pool.name,
        cold=pool.is_cold,
        stopping=pool.stopping,
        demand=pool.demand,
        free=-1 if unlimited else max(0, slots - pool.in_flight - pool.quarantined),
        slots=slots,
        in_flight=pool.in_flight,
        quarantined=pool.quarantined,
        line=_line_view(pool, now, shown),
        backends=backends,
        sessions_live=len(pool.sessions),
        sessions=_session_views(pool, now, shown),
        service_median=pool.estimates.service,
        cold_start_median=pool.estimates.cold_start,
        start_failures=pool.starts.failures,
        next_start_in=max(0.0, pool.starts.next_at - now) if pool.starts.failures else None,
        watched=pool.starts.watched_until is not None,
        start_evidence=pool.starts.evidence,
        counts=replace(pool.counts),
        looks_at_models=pool.looks_at_models,
    )


def state_of(backend: Backend, now: float) -> str:
    """One word for what people should think of it."""
    if backend.held or not backend.listed:
        return BackendState.DRAINING.value
    if backend.state is BackendState.READY and backend.is_suspect(now):
        return "suspect"
    if backend.would_serve(now) and backend.is_ejected(now):
        return "ejected"
    word: str = backend.state.value
    return word


def _backend_view(backend: Backend, now: float, shown: int) -> BackendView:
    suspect = backend.is_suspect(now)
    return BackendView(
        name=backend.name,
        identity=backend.identity,
        address=backend.address,
        state=state_of(backend, now),
        limit=backend.limit,
        in_flight=len(backend.in_flight),
        exempt=len(backend.uncounted),
        quarantined=len(backend.quarantines),
        waiting=len(backend.line),
        sessions=backend.sessions,
        served=backend.served,
        idle=None if backend.in_flight else now - backend.idle_since,
        suspect_for=backend.suspect_until - now if suspect else None,
        tickets=tuple([_ticket_view(ticket, now, receipt_of(ticket)) for ticket in _at_work(backend, shown)]),
        quarantines=tuple([_quarantine_view(quarantine, now) for quarantine in backend.quarantines]),
        held=backend.held,
        model=backend.model,
        unready_because=backend.unready_because,
        unready_for=now - backend.unready_since if backend.unready_because else None,
        ejected_for=backend.conduct.ejected_until - now if backend.is_ejected(now) else None,
        fails_because=backend.conduct.because,
        found_failing=backend.conduct.judged,
    )


def _at_work(backend: Backend, shown: int) -> Iterable[Ticket]:
    return [*backend.in_flight, *backend.uncounted][:shown] if shown else ()


def _quarantine_view(quarantine: Quarantine, now: float) -> QuarantineView:
    return QuarantineView(
        age=now - quarantine.since,
        ends_in=None if quarantine.until == math.inf else quarantine.until - now,
        idle_seen=quarantine.idle_seen_at is not None,
        why=quarantine.why,
    )


def _line_view(pool: Pool, now: float, shown: int) -> LineView:
    waiting = pool.first_waiting(max(1, shown))
    look = Look(pool.backends.values(), now)
    return LineView(
        waiting=pool.waiting,
        waiting_exempt=pool.waiting_exempt,
        uploading=pool.budget.uploading,
        limit=pool.policy.line_limit,
        bytes_held=pool.budget.bytes_held,
        bytes_limit=pool.budget.bytes_limit,
        oldest=now - waiting[0].arrived_at if waiting else None,
        expected_wait=pool.expected_wait(now),
        tickets=tuple([_ticket_view(ticket, now, receipt_of(ticket, look.met(ticket))) for ticket in waiting[:shown]]),
    )


def _ticket_view(ticket: Ticket, now: float, why: str) -> TicketView:
    return TicketView(
        number=ticket.number,
        lane=ticket.lane.value,
        label=ticket.label,
        age=now - ticket.arrived_at,
        working=now - ticket.granted_at if ticket.backend is not None else None,
        bound_to=ticket.bound_to.name if ticket.bound_to is not None else None,
        why=why,
        model=ticket.model,
    )


def _session_views(pool: Pool, now: float, shown: int) -> tuple[SessionView, ...]:
    return tuple(
        SessionView(short_hash(session.id), name_of(pool, session.home), now - session.seen)
        for session in itertools.islice(pool.sessions.newest(), shown)
    )


def name_of(pool: Pool, identity: str | None) -> str | None:
    """The name of a backend, if it exists."""
    backend = pool.backends.get(identity) if identity is not None else None
    return backend.name if backend is not None else None
