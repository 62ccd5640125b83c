"""One pool in one line. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.top.rows import shown

if TYPE_CHECKING:
    from gateway.top.port import Pool


def summary_of(pool: Pool) -> str:
    """What one wants to know before the tables."""
    line = pool.line
    parts = [
        f"{shown(pool.name)}: {_state(pool)}",
        f"at work {pool.in_flight}/{pool.slots}",
        f"waiting {line.waiting + line.waiting_exempt}/{line.limit}",
        f"demand {pool.demand}",
        f"sessions {pool.sessions_live}",
    ]
    if pool.quarantined:
        parts.append(f"quarantined {pool.quarantined}")
    if pool.looks_at_models:
        parts.append(f"model switches {pool.counts.model_switches}")
    measured = {
        "oldest": line.oldest,
        "expected wait": line.expected_wait,
        "work": pool.service_median,
        "cold start": pool.cold_start_median,
    }
    parts += [f"{name} {shown(seconds)} s" for name, seconds in measured.items() if seconds is not None]
    if pool.autoscaler is not None:
        parts.append(f"desired {pool.autoscaler.get('desired')}, ready {pool.autoscaler.get('ready')}")
    return " · ".join(parts)


def _state(pool: Pool) -> str:
    if pool.stopping:
        return "stopping"
    return "cold" if pool.cold else "warm"
