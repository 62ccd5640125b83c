"""A pool's rules, as values. The wiring makes them from the settings and replaces them whole on reload."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass


class Balancing(enum.Enum):
    """The choice of a free backend for an unbound request."""

    FEWEST_SESSIONS = "fewest_sessions"
    FIRST_AVAILABLE = "first_available"
    ROUND_ROBIN = "round_robin"


@dataclass(frozen=True, slots=True)
class Policy:
    """One pool's rules. Seconds, bytes and counts."""

    limit: int = 1  # requests a backend may work on at once; 0: no limit
    balancing: Balancing = Balancing.FEWEST_SESSIONS
    line_limit: int = 1000
    bytes_limit: int = 1 << 30
    client_share: float = 25.0  # percent of the line and of the bytes that one client may hold
    longest_body: int = 0  # which a client may hold whatever its share
    queue_timeout: float = 300.0  # on the warm clock
    cold_timeout: float = 600.0  # on the cold clock
    session_ttl: float = 1800.0
    session_capacity: int = 100_000
    spill_after: float = 0.0
    move_after: float = 10.0  # how long a ticket waits for a home whose slots are all quarantined
    move_when_busy: float | None = None  # how long a session waits for a busy home before it may move; None: for ever
    can_ask: bool = False  # the profile has an idle probe: backends not known to be fresh start quarantined
    unknown_for: float = 900.0  # how long such a quarantine lasts at most
    health_errors: int = 0  # failed turns in a row after which a backend is ejected; 0: none ever is
    health_share: float = 50.0  # percent of its last turns; more failures than that eject it, too
    health_rest: float = 10.0  # how long the first ejection in a row lasts
    health_max_ejected: float = 50.0  # percent of the ready backends
    model_switch_cost: float = 0.0  # what waiting for a backend that has the model is worth; 0: models do not matter

    @property
    def client_places(self) -> int:
        """Places in line that one client may hold."""
        return math.ceil(self.line_limit * self.client_share / 100)

    @property
    def client_bytes(self) -> int:
        """Bytes that one client may hold."""
        return max(math.ceil(self.bytes_limit * self.client_share / 100), self.longest_body)
