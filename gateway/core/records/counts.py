"""What a pool has counted since the gateway started."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """A pool's counters since the gateway started. They only grow."""

    arrivals: int = 0  # requests that a scaler must serve: counted ones, and exempt ones that met no ready backend
    affinity_hits: int = 0  # a session's turn at its home
    affinity_spills: int = 0  # elsewhere, because home was busy
    affinity_moves: int = 0  # a session got another home
    give_backs: int = 0  # turns that ended before a byte was written
    quarantines: int = 0
    quarantines_expired: int = 0
    ejections: int = 0
    ejections_spared: int = 0  # too few others were ready
    cold_starts: int = 0  # demand met no ready backend
    starts_failed: int = 0
    starts_watched: int = 0  # cold starts of which somebody was told by a page
    exclusivity_broken: int = 0  # grants beyond a backend's limit: a defect of ours
    order_broken: int = 0  # grants past somebody who had come earlier: a defect of ours
    model_switches: int = 0  # turns for which a backend had to load another model than the one it was known to have
