"""A request as the core sees it: what it asks for, and where it is on its way.

A ticket is made by the endpoint and handed to `Pool.arrive`; from then on the pool alone writes its lower half.
Its states, and who may move it:

    NEW ── arrive ──> WAITING ── match ──> HOLDING ── leave ──> ENDED
                         ^                    │
                         └──── give_back ─────┘      WAITING ── leave, expire, refuse ──> ENDED
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.core.backends.backend import Backend


class Lane(enum.Enum):
    """What a request costs."""

    COUNTED = "counted"  # takes a slot, wakes pods
    EXEMPT = "exempt"  # no slot, wakes pods
    PASSIVE = "passive"  # no slot, never wakes, never counts as activity
    DENIED = "denied"


class WhenBusy(enum.Enum):
    """What a session's request does while its home is busy."""

    WAIT = "wait"
    SPILL = "spill"


class TicketState(enum.Enum):
    """See the diagram at the top of this file."""

    NEW = "new"
    WAITING = "waiting"
    HOLDING = "holding"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class ModelNeed:
    """What a job needs loaded, and what it leaves."""

    model: str | None  # None: the backend's own, which it loads again if another one is there
    stays: bool = False  # it is the backend's own from then on


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
    endless: bool = False  # it became a tunnel, which may stay open for days: if it holds no slot, it holds nothing up
    need: ModelNeed | None = None  # None: whatever is loaded will do, and nobody knows what it leaves

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
    new_home: bool = field(default=False, init=False)  # its session got a (new) home with this turn
    cold_deadline: float = field(default=math.inf, init=False)  # on the pool's cold clock
    warm_deadline: float = field(default=math.inf, init=False)  # on the pool's warm clock
    own_deadline: float = field(default=math.inf, init=False)  # on the driver's clock
    spill_at: float = field(default=math.inf, init=False)  # from here on any backend may serve it
    met: str | None = field(default=None, init=False)  # which backends there were when it had to wait
    wait_ended: str = field(default="", init=False)  # by what
    had_model: bool | None = field(default=None, init=False)  # where it was granted last; None: that did not matter

    @property
    def model(self) -> str | None:
        """What it asks for by name."""
        return self.need.model if self.need is not None else None
