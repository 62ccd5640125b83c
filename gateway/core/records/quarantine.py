"""A slot that nobody may have, because the backend may still be at work on a request that is over for the gateway."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Quarantine:
    """One slot whose request is over for us but perhaps not for the backend."""

    since: float
    until: float  # inf: only an idle probe, an operator or the backend's end frees it
    why: str
    idle_seen_at: float | None = None  # when the first of the two idle probes was sent
