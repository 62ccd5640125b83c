"""Who is first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.core.backends.balancing import free_rank, ready_rank
from gateway.core.policy import Balancing
from gateway.core.records.backends_and_tickets import Backend, Ticket
from gateway.core.records.lanes import Lane

if TYPE_CHECKING:
    from collections.abc import Callable


def backend(name: str, **facts: Any) -> Backend:
    facts = {"order": 1} | facts
    working, answering = facts.pop("working", 0), facts.pop("answering", 0)
    made = Backend(name, f"{name}:1", name, 4, facts.pop("order"))
    for fact, value in facts.items():
        setattr(made, fact, value)
    made.in_flight = {Ticket(Lane.COUNTED): None for _ in range(working)}
    made.uncounted = {Ticket(Lane.EXEMPT): None for _ in range(answering)}
    return made


def ranked(rank: Callable[[Backend], tuple[Any, ...]], *backends: Backend) -> list[str]:
    return [b.name for b in sorted(backends, key=rank)]


def test_fewest_sessions_then_least_work_then_the_longest_idle_then_the_first_listed() -> None:
    assert ranked(
        lambda b: free_rank(Balancing.FEWEST_SESSIONS, b),
        backend("sessions", sessions=1),
        backend("working", working=1),
        backend("just idle", idle_since=9.0),
        backend("second", order=2),
        backend("first"),
    ) == ["first", "second", "just idle", "working", "sessions"]


def test_first_available_is_the_first_listed_whatever_it_has() -> None:
    busy, idle = backend("busy", sessions=9, working=3), backend("idle", order=2)
    assert ranked(lambda b: free_rank(Balancing.FIRST_AVAILABLE, b), idle, busy) == ["busy", "idle"]


def test_round_robin_is_whose_last_grant_is_longest_ago() -> None:
    assert ranked(
        lambda b: free_rank(Balancing.ROUND_ROBIN, b),
        backend("just had one", last_granted=2),
        backend("had one", last_granted=1, sessions=9),
        backend("never, and listed second", order=2),
        backend("never"),
    ) == ["never", "never, and listed second", "had one", "just had one"]


def test_uncounted_requests_look_at_sessions_and_at_their_like_and_not_at_work() -> None:
    assert ranked(
        ready_rank,
        backend("sessions", sessions=1),
        backend("answering", answering=1),
        backend("had one", last_granted=1),
        backend("at work", working=4),
    ) == ["at work", "had one", "answering", "sessions"]
