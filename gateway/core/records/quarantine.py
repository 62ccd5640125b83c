"""A slot that nobody may have, because the backend may still be at work on a request that is over for the gateway."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Quarantine:
    """One slot whose request is over for us but perhaps not for the backend.

    A slot of a backend that is seen for the first time is quarantined, too, until the backend was asked, and so is one
    behind a whole answer that may have left work behind. Nobody knows of a request there, so such a slot is no demand
    before the backend itself has said that it works.
    """

    since: float
    until: float  # inf: only an idle probe, an operator or the backend's end frees it
    why: str
    is_known_work: bool = True  # a request of ours, or one that the backend speaks of
    idle_seen_at: float | None = None  # when the first of the two idle probes was sent
    busy_seen_at: float | None = None  # when the backend said last that it works
