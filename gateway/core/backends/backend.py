"""One pod or process and its slots, as the pool sees it. The pool alone writes it.

    slots = free + in flight + quarantined     (limit 0: no slots, no limit)

A backend is known by its identity, never by its address alone. It is *eligible* (it may be granted a request) when
it is listed, probed ready, not draining (by itself or by an operator), and not suspect.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.core.line.queue import KeyedHeap
from gateway.core.line.ticket import Lane

if TYPE_CHECKING:
    from gateway.core.line.ticket import Ticket

#: Seconds a backend stays suspect after its n-th refusal in a row.
SUSPECT_FOR = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)


class BackendState(enum.Enum):
    """What discovery and probing say of a backend."""

    STARTING = "starting"  # listed, not probed ready (yet, or any more)
    READY = "ready"
    DRAINING = "draining"  # no new requests, finish the old
    GONE = "gone"  # it has ended: its work and its quarantines are over


@dataclass(frozen=True, slots=True)
class Listed:
    """A backend as discovery lists it."""

    identity: str  # pod UID, process: what it is, not where
    address: str  # "host:port"
    name: str  # what people see; no secret, no client string
    limit: int | None = None  # None: the pool's
    fresh: bool = False  # known to have done nothing yet: a process of ours
    ready: bool = False  # the lister vouches for its readiness
    direct_address: str | None = None  # "host:port" for requests without a slot; None: the same


@dataclass(slots=True, eq=False)
class Quarantine:
    """One slot whose request is over for us but perhaps not for the backend."""

    since: float
    until: float  # inf: only an idle probe, an operator or the backend's end frees it
    why: str
    idle_seen_at: float | None = None  # when the first of the two idle probes was sent


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
    in_flight: dict[Ticket, None] = field(default_factory=dict)
    uncounted: dict[Ticket, None] = field(default_factory=dict)
    quarantines: list[Quarantine] = field(default_factory=list)
    given_up: bool = False  # its slots have been quarantined for so long that nobody waits for it any more
    sessions: int = 0  # live ones
    served: int = 0
    idle_since: float = 0.0
    ready_at: float = -math.inf  # when it was found ready last
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
    def is_stuck(self) -> bool:
        """Every slot is quarantined: nobody can say when it will serve again."""
        return 0 < self.limit <= len(self.quarantines)

    @property
    def is_busy(self) -> bool:
        """It works, or may work, on something that must not be stopped. Passive requests hold nothing up,
        nor do tunnels without a slot."""
        holding_up = any(t.lane is Lane.EXEMPT and not t.endless for t in self.uncounted)
        return bool(self.in_flight or self.quarantines) or holding_up

    @property
    def is_done(self) -> bool:
        """Nothing refers to it any more."""
        return not (self.in_flight or self.quarantines or self.uncounted)

    @property
    def may_return(self) -> bool:
        """If it is not ready now, it may be so again without anybody's doing."""
        return not self.held and self.state in (BackendState.STARTING, BackendState.READY)

    @property
    def rests(self) -> bool:
        """It works on nothing, as far as is known."""
        return not (self.in_flight or self.quarantines)

    def has_rested(self, since: float) -> bool:
        """It has worked on nothing since then."""
        return self.rests and self.idle_since <= since

    def forget_model(self) -> None:
        """It may have been started anew: what is loaded is not known."""
        self.model = self.own_model = None
        self.model_unsure, self.model_named = True, False

    def address_for(self, lane: Lane) -> str:
        """Where a request of this lane goes."""
        return self.address if lane is Lane.COUNTED else self.direct_address or self.address

    def is_suspect(self, now: float) -> bool:
        """It refused a connection a moment ago."""
        return now < self.suspect_until

    def is_eligible(self, now: float) -> bool:
        """It may be granted a request, if it has a free slot."""
        return self.state is BackendState.READY and self.listed and not self.held and not self.is_suspect(now)
