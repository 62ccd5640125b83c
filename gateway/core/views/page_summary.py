"""The summary of one pool for the live page: small enough to be made several times a second, at the same cost
whether ten or ten thousand wait. `snapshot.py` has the full figures.

Rows are tuples, told apart by their columns, because a thousand of them are made at once. Times are seconds on the
driver's clock, so that a row that has not changed reads the same again.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, NamedTuple

from gateway.core.records.listed import BackendState
from gateway.core.views.model_summary import model_summary_of
from gateway.core.views.snapshot import name_of, short_hash, state_of

if TYPE_CHECKING:
    from gateway.core.pool import Pool
    from gateway.core.records.backends_and_tickets import Backend, Ticket
    from gateway.core.views.model_summary import ModelSummary

#: Turns that are shown of one backend: more bars than that cannot be told apart in one lane.
TURNS_SHOWN = 16
#: Sessions that are shown, the most recently seen first.
SESSIONS_SHOWN = 50


class Turn(NamedTuple):
    """One request at work."""

    number: int
    request: str
    session: str | None  # a short hash
    arrived: float
    granted: float


class Pod(NamedTuple):
    """One backend."""

    id: str
    name: str
    state: str
    held: bool  # drained by an operator
    limit: int
    in_flight: int
    exempt: int
    quarantined: int
    waiting: int  # for it and no other
    sessions: int
    served: int
    since: float | None  # when its oldest quarantine began
    until: float | None  # when its suspicion, the first of its quarantines, or its ejection ends
    why: str  # it is quarantined
    ready_at: float | None  # when it was found ready last; None: never yet
    unready_because: str  # what its last failed probe found, while it is not ready
    unready_since: float | None  # when that was found first
    fails_because: str  # why its turns were found to fail, until one goes well
    turns: tuple[Turn, ...]


class Place(NamedTuple):
    """One request in line."""

    number: int
    request: str
    session: str | None
    arrived: float
    home: str | None  # name of the backend it waits for
    turns: int  # it has had, in vain


class PageSummary(NamedTuple):
    """Everything about one pool. Each member is plain: JSON has it."""

    name: str
    cold: bool
    stopping: bool
    demand: int
    in_flight: int
    quarantined: int
    ready: int
    waiting: int
    waiting_exempt: int
    uploading: int
    line_limit: int
    bytes_held: int
    bytes_limit: int
    oldest: float | None  # when it arrived
    expected_wait: float | None  # seconds; None: nothing was measured yet
    service_median: float | None
    cold_start_median: float | None
    start_failures: int  # in a row
    next_start: float | None
    evidence: str  # how the last start died
    sessions_live: int
    sessions: list[tuple[str, str | None, float]]  # hash, name of home, last seen
    backends: int  # that exist, in `pods` or not
    pods: list[Pod]
    line: list[Place]
    models: ModelSummary | None  # of these pods and places; None: they do not matter here


class Level(NamedTuple):
    """One pool at one moment, for a curve."""

    at: float
    ready: int  # backends
    starting: int
    in_flight: int
    waiting: int
    quarantined: int


def level_of(pool: Pool, now: float) -> Level:
    """`pool` at `now`. O(backends)."""
    starting = sum(b.state is BackendState.STARTING and b.listed for b in pool.backends.values())
    waiting = pool.waiting + pool.waiting_exempt
    return Level(now, pool.ready_count, starting, pool.in_flight, waiting, pool.quarantined)


def page_summary_of(pool: Pool, now: float, *, places: int, pods: slice) -> PageSummary:
    """`pool` at `now`, with the first `places` of its line and these of its backends, in the order in which they came:
    who has a thousand looks at some at a time. O(what is shown), but for a sum over the ready backends."""
    starts, backends = pool.starts, pool.backends.values()
    line, some = pool.first_waiting(places), list(itertools.islice(backends, pods.start, pods.stop))
    return PageSummary(
        name=pool.name,
        cold=pool.is_cold,
        stopping=pool.stopping,
        demand=pool.demand,
        in_flight=pool.in_flight,
        quarantined=pool.quarantined,
        ready=pool.ready_count,
        waiting=pool.waiting,
        waiting_exempt=pool.waiting_exempt,
        uploading=pool.budget.uploading,
        line_limit=pool.policy.line_limit,
        bytes_held=pool.budget.bytes_held,
        bytes_limit=pool.budget.bytes_limit,
        oldest=line[0].arrived_at if line else None,
        expected_wait=pool.expected_wait(now),
        service_median=pool.estimates.service,
        cold_start_median=pool.estimates.cold_start,
        start_failures=starts.failures,
        next_start=starts.next_at if starts.failures else None,
        evidence=starts.evidence,
        sessions_live=len(pool.sessions),
        sessions=[
            (short_hash(session.id), name_of(pool, session.home), session.seen)
            for session in itertools.islice(pool.sessions.newest(), SESSIONS_SHOWN)
        ],
        backends=len(backends),
        pods=[_pod(backend, now) for backend in some],
        line=[_place(ticket) for ticket in line],
        models=model_summary_of(pool, some, line),
    )


def _pod(backend: Backend, now: float) -> Pod:
    quarantines = backend.quarantines
    until = backend.suspect_until if backend.suspect_until > now else None
    if quarantines:
        until = min(quarantine.until for quarantine in quarantines)
    if backend.is_ejected(now):
        until = backend.conduct.ejected_until
    return Pod(
        backend.identity,
        backend.name,
        state_of(backend, now),
        backend.held,
        backend.limit,
        len(backend.in_flight),
        len(backend.uncounted),
        len(quarantines),
        len(backend.line),
        backend.sessions,
        backend.served,
        quarantines[0].since if quarantines else None,
        until if until != math.inf else None,
        quarantines[0].why if quarantines else "",
        backend.ready_at if backend.ready_at != -math.inf else None,
        backend.unready_because,
        backend.unready_since if backend.unready_because else None,
        backend.conduct.because,
        tuple([_turn(ticket) for ticket in itertools.islice(backend.in_flight, TURNS_SHOWN)]),
    )


def _turn(ticket: Ticket) -> Turn:
    return Turn(ticket.number, ticket.label, _session(ticket), ticket.arrived_at, ticket.granted_at)


def _place(ticket: Ticket) -> Place:
    home = ticket.bound_to.name if ticket.bound_to is not None else None
    return Place(ticket.number, ticket.label, _session(ticket), ticket.arrived_at, home, ticket.turns)


def _session(ticket: Ticket) -> str | None:
    """Only of one whose cookie came back: before that it is none."""
    return short_hash(ticket.session) if ticket.session is not None and ticket.returning else None
