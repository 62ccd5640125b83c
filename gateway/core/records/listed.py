"""A backend as discovery lists it, and the states that probing gives it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class BackendState(enum.Enum):
    """The state of a backend, as discovery and probing say."""

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
