"""Balancing: the sort key by which a backend is chosen for a request without a home, smallest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.core.policy import Balancing

if TYPE_CHECKING:
    from gateway.core.records.backends_and_tickets import Backend


def free_rank(policy: Balancing, backend: Backend) -> tuple[Any, ...]:
    """Rank among backends with a free slot, for a counted request.

    `FEWEST_SESSIONS` balances sessions, not requests: that keeps later bound requests from colliding; then the
    least work, then the longest idle. `FIRST_AVAILABLE` packs the load so that the rest can be scaled in.
    """
    if policy is Balancing.FEWEST_SESSIONS:
        return (backend.sessions, len(backend.in_flight), backend.idle_since, backend.order)
    if policy is Balancing.FIRST_AVAILABLE:
        return (backend.order,)
    return (backend.last_granted, backend.order)


def ready_rank(backend: Backend) -> tuple[int, int, int, int]:
    """Rank among ready backends, busy or not, for an uncounted request: it needs no slot, so work done for
    counted requests does not matter. New visitors spread by live sessions."""
    return (backend.sessions, len(backend.uncounted), backend.last_granted, backend.order)
