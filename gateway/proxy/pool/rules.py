"""One pool's settings for an exchange, as values. On reload they are replaced; requests under way keep those they began
with."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.core.mounts import AT_ROOT, Mounts
from gateway.core.records.lanes import Lane

if TYPE_CHECKING:
    from gateway.core.records.lanes import WhenBusy
    from gateway.proxy.answers.waiting_page import WaitingPage
    from gateway.proxy.headers.forwarded import Header

#: Where a quarantine is needed at all it lasts at least so many seconds, so that its end is seen and counted.
SHORTEST_QUARANTINE = 1.0


class OnClientGone(enum.Enum):
    """The fate of a backend's work when its client has left."""

    FINISH = "finish"  # read to the end, so that the slot is given back when the backend is done
    CLOSE = "close"  # close at once, then quarantine
    INTERRUPT = "interrupt"  # the profile's interrupt is sent, then as FINISH


@dataclass(frozen=True, slots=True)
class PodHeaders:
    """Headers for a pool's backends beside the request's own. Clients cannot send any of Knative's."""

    counted: tuple[Header, ...] = ()
    uncounted: tuple[Header, ...] = ()

    def of(self, lane: Lane | None) -> tuple[Header, ...]:
        """For a request of this lane."""
        return self.counted if lane is Lane.COUNTED else self.uncounted


@dataclass(frozen=True, slots=True)
class Rules:
    """One pool's settings for an exchange. Seconds and bytes."""

    when_busy: WhenBusy
    max_body: int
    body_idle: float
    body_total: float
    response_start: float
    idle: float
    write_stall: float
    total: float
    drain_timeout: float | None  # None: what is left of total
    quarantine_max: float | None  # None: what is left of total; 0: the backend stops when its connection closes
    response_spool: int
    on_client_gone: OnClientGone
    longest_wait: float  # what a client may ask for with `Prefer: wait`
    expose_backend: bool
    allowed_origins: frozenset[bytes]  # whose pages may what programs may, besides those of the host asked for
    cookie_crosses_sites: bool = False  # pages of other sites send the session's along with all they ask for
    mounts: Mounts = AT_ROOT
    pod_headers: PodHeaders = PodHeaders()
    waiting_page: WaitingPage | None = None  # None: browsers are held, too
    session_header: bytes | None = None  # in small letters; who has no cookie is known by its value

    def quarantine(self, left: float) -> float:
        """Seconds that a slot is kept when its connection is closed; `left`: what is left of total."""
        return left if self.quarantine_max is None else self.quarantine_max
