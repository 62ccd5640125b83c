"""A backend with its slots, and a request's ticket. One file, because they refer to each other: a backend knows the
tickets it works on, a ticket the backend that works on it. The pool alone writes them.

    slots = free + in flight + quarantined     (limit 0: no slots, no limit)

A backend is known by its identity, never by its address alone. It is *eligible* (it may be granted a request) when it
is listed, probed ready, not draining (by itself or by an operator), not suspect, and not ejected.

A ticket is made by the endpoint and handed to `Pool.arrive`; from then on the pool alone writes its lower half. Its
states, and who may move it:

    NEW ── arrive ──> WAITING ── match ──> HOLDING ── leave ──> ENDED
                         ^                    │
                         └──── give_back ─────┘      WAITING ── leave, expire, refuse ──> ENDED
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.core.keyed_heap import KeyedHeap
from gateway.core.records.conduct import Conduct
from gateway.core.records.lanes import Lane, WhenBusy
from gateway.core.records.listed import BackendState

if TYPE_CHECKING:
    from gateway.core.records.lanes import ModelNeed
    from gateway.core.records.quarantine import Quarantine


#: Seconds for which a backend's word counts that it works. It is asked once a second while it has a quarantine.
STILL_BUSY = 10.0


class TicketState(enum.Enum):
    """See the diagram at the top of this file."""

    NEW = "new"
    WAITING = "waiting"
    HOLDING = "holding"
    ENDED = "ended"


@dataclass(slots=True, eq=False)
class Backend:
    """Facts about one backend, and the few predicates that read as English."""

    identity: str
    address: str
    name: str
    limit: int
    order: int  # position of first listing, for stable ties
    own_limit: int | None = None  # as listed; None: it has the pool's
    direct_address: str | None = None  # as listed; None: it has one address for all
    state: BackendState = BackendState.STARTING
    listed: bool = True
    held: bool = False  # an operator drains it: nothing but an operator ends that
    suspect_until: float = 0.0
    refusals: int = 0  # in a row
    conduct: Conduct = field(default_factory=Conduct)  # how its last turns went
    in_flight: dict[Ticket, None] = field(default_factory=dict)
    uncounted: dict[Ticket, None] = field(default_factory=dict)
    quarantines: list[Quarantine] = field(default_factory=list)
    can_be_asked: bool = True  # whether it works: False once it answered that it cannot
    given_up: bool = False  # its slots have been quarantined for so long that nobody waits for it any more
    sessions: int = 0  # live ones
    served: int = 0
    idle_since: float = 0.0
    starting_since: float = 0.0  # when it was seen first, or was ready no longer
    ready_at: float = -math.inf  # when it was found ready last
    unready_because: str = ""  # what its last failed probe found, while it is not ready
    unready_since: float = 0.0  # when that was found first
    released_at: float = -math.inf  # when a quarantine of its slots ended last
    last_granted: int = 0  # running number of its last grant, for round robin
    line: KeyedHeap[Ticket] = field(default_factory=KeyedHeap)  # tickets that wait for it, by number
    model: str | None = None  # loaded, as far as a pool that looks at models knows; None: unknown, or nothing
    own_model: str | None = None  # what it loads for a job that names none; None: unknown, or whatever there is
    model_unsure: bool = True  # it was not asked yet, or a job may have changed it since
    model_named: bool = False  # the last job named what is loaded: what it says of itself is its own model alone

    @property
    def free_slots(self) -> int:
        """Wake by invariant: never by difference. Unlimited backends always have one."""
        if self.limit == 0:
            return 1
        return self.limit - len(self.in_flight) - len(self.quarantines)

    @property
    def has_known_work(self) -> bool:
        """Whether the backend has work of ours, or says itself that it works. One that was never asked has none."""
        return bool(self.in_flight) or any(quarantine.is_known_work for quarantine in self.quarantines)

    def says_busy(self, now: float) -> bool:
        """Whether the backend, asked about a quarantine, said a moment ago that it works."""
        return any(q.busy_seen_at is not None and now - q.busy_seen_at < STILL_BUSY for q in self.quarantines)

    @property
    def is_stuck(self) -> bool:
        """Every slot is quarantined: nobody can say when it will serve again."""
        return 0 < self.limit <= len(self.quarantines)

    @property
    def is_busy(self) -> bool:
        """Whether a backend works, or may work, on something that must not be stopped. Passive requests hold nothing
        up, nor do tunnels without a slot."""
        holding_up = any(t.lane is Lane.EXEMPT and not t.endless for t in self.uncounted)
        return bool(self.in_flight or self.quarantines) or holding_up

    @property
    def is_done(self) -> bool:
        """Nothing refers to it any more."""
        return not (self.in_flight or self.quarantines or self.uncounted)

    @property
    def may_return(self) -> bool:
        """If it is not ready now, it may be so again without anybody's doing."""
        return not (self.held or self.is_leaving)

    @property
    def is_leaving(self) -> bool:
        """Whether a backend ends in good order, and will not be ready again."""
        return self.state in (BackendState.DRAINING, BackendState.GONE)

    @property
    def rests(self) -> bool:
        """Whether a backend works on nothing, as far as is known."""
        return not (self.in_flight or self.quarantines)

    def works_for(self, session: str | None) -> bool:
        """Whether a backend works on a counted request of this session. O(limit)."""
        return session is not None and any(ticket.session == session for ticket in self.in_flight)

    def has_rested(self, since: float) -> bool:
        """Whether a backend has worked on nothing since then."""
        return self.rests and self.idle_since <= since

    def forget_model(self) -> None:
        """The backend may have been started anew: its model is not known."""
        self.model = self.own_model = None
        self.model_unsure, self.model_named = True, False

    def address_for(self, lane: Lane) -> str:
        """The address for a request of this lane."""
        return self.address if lane is Lane.COUNTED else self.direct_address or self.address

    def is_suspect(self, now: float) -> bool:
        """Whether the backend refused a connection a moment ago."""
        return now < self.suspect_until

    def is_ejected(self, now: float) -> bool:
        """Whether the backend gets no requests for a while because its turns failed."""
        return now < self.conduct.ejected_until

    def would_serve(self, now: float) -> bool:
        """Whether the backend may be granted a request, if it is not ejected and has a free slot."""
        return self.state is BackendState.READY and self.listed and not self.held and not self.is_suspect(now)

    def is_eligible(self, now: float) -> bool:
        """Whether the backend may be granted a request, if it has a free slot."""
        return self.would_serve(now) and not self.is_ejected(now)


@dataclass(slots=True, eq=False)
class Ticket:
    """One request's place from arrival to leaving. Times are seconds on the driver's clock."""

    lane: Lane
    session: str | None = None  # the session's id; None: the client brought none and gets none
    home: str | None = None  # identity of the backend its cookie names; the pool's own table goes first
    returning: bool = False  # the client brought the session's cookie back
    when_busy: WhenBusy = WhenBusy.WAIT
    patience: float = math.inf  # the client's own limit on waiting, in seconds
    label: str = ""  # what the snapshot shows, e.g. the request id
    rule: str = ""  # what chose its lane, for people
    who: str = ""  # the client whose share of the line it takes; "": nobody's
    endless: bool = False  # a tunnel, or a stream that may stay open for days: if it holds no slot, it holds nothing up
    anchored: bool = False  # what it reads or hears is at its home: no other backend can serve it while that is there
    need: ModelNeed | None = None  # None: whatever is loaded will do, and nobody knows what it leaves
    status: int | None = None  # of the backend's answer in this turn; None: none yet, or none of HTTP's
    may_go_on: bool = False  # its work may go on behind its answer: a backend that can be asked is
    failure: str = ""  # how the job behind that answer failed, in words; "": it did not

    # Written by the pool alone.
    number: int = field(default=0, init=False)  # place in the order of arrival; kept through give_back
    state: TicketState = field(default=TicketState.NEW, init=False)
    backend: Backend | None = field(default=None, init=False)
    bound_to: Backend | None = field(default=None, init=False)  # the home it may wait for
    arrived_at: float = field(default=0.0, init=False)
    granted_at: float = field(default=0.0, init=False)
    place: int | None = field(default=None, init=False)  # position on arrival, from 1; None: it did not wait
    turns: int = field(default=0, init=False)
    broke_on: Backend | None = field(default=None, init=False)  # where its turn broke: another one is tried first
    new_home: bool = field(default=False, init=False)  # its session got a (new) home with this turn, or while it waited
    cold_deadline: float = field(default=math.inf, init=False)  # on the pool's cold clock
    warm_deadline: float = field(default=math.inf, init=False)  # on the pool's warm clock
    own_deadline: float = field(default=math.inf, init=False)  # on the driver's clock
    spill_at: float = field(default=math.inf, init=False)  # from here on any backend may serve it
    met: str | None = field(default=None, init=False)  # which backends there were when it had to wait
    wait_ended: str = field(default="", init=False)  # by what
    window_until: float = field(default=math.inf, init=False)  # of being overtaken for models; inf: it has not begun
    had_model: bool | None = field(default=None, init=False)  # where it was granted last; None: that did not matter
    finds_own: bool = field(default=False, init=False)  # what it needs is known to be its backend's own model

    @property
    def model(self) -> str | None:
        """What it asks for by name."""
        return self.need.model if self.need is not None else None
