"""One pool in one line, and what is wrong with it in another. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.top.rows import shown

if TYPE_CHECKING:
    from gateway.top.port import Pool


def summary_of(pool: Pool) -> str:
    """The figures above the tables, in one line."""
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


def outages_of(pool: Pool) -> str:
    """What is wrong with a pool, whether or not anybody waits: starts that die, pods that are not ready, discovery
    that is stale. "": nothing."""
    return " · ".join(
        filter(None, (_start_failures(pool), _suspects(pool), _failing(pool), _unready(pool), _stale(pool)))
    )


def _start_failures(pool: Pool) -> str:
    if not pool.start_failures:
        return ""
    starts = "the last start" if pool.start_failures == 1 else f"the last {pool.start_failures} starts"
    next_start = f"; next attempt in {shown(pool.next_start_in)} s" if pool.next_start_in else ""
    return f"{starts} failed ({shown(pool.start_evidence) or 'no reason is known'}){next_start}"


def _stale(pool: Pool) -> str:
    return f"no news of its pods: {'; '.join(map(shown, pool.stale))}" if pool.stale else ""


def _unready(pool: Pool) -> str:
    unready = [backend for backend in pool.backends if backend.state == "starting" and backend.unready_because]
    if not unready:
        return ""
    first, others = unready[0], len(unready) - 1
    more = f", and {others} more" if others else ""
    since = f" for {shown(first.unready_for)} s" if first.unready_for is not None else ""
    return f"{shown(first.name)} is not ready{since}: {shown(first.unready_because)}{more}"


def _failing(pool: Pool) -> str:
    failing = [backend for backend in pool.backends if backend.fails_because]
    if not failing:
        return ""
    first, others = failing[0], len(failing) - 1
    rest = f"is ejected for {shown(first.ejected_for)} s more" if first.ejected_for is not None else "fails"
    more = f", and {others} more" if others else ""
    return f"{shown(first.name)} {rest}: {shown(first.fails_because)}{more}"


def _suspects(pool: Pool) -> str:
    count = sum(backend.state == "suspect" for backend in pool.backends)
    return f"{count} {'pod refuses' if count == 1 else 'pods refuse'} connections" if count else ""


def _state(pool: Pool) -> str:
    if pool.stopping:
        return "stopping"
    return "cold" if pool.cold else "warm"
