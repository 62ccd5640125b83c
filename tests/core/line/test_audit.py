"""Grants that should never have been."""

from __future__ import annotations

import pytest

from gateway.core.line.audit import has_overtaken, is_overfull
from gateway.core.line.line import Line
from gateway.core.line.room import Budget
from gateway.core.policy import Policy
from gateway.core.records.backends_and_tickets import Backend, Ticket
from gateway.core.records.lanes import Lane, WhenBusy
from gateway.core.records.quarantine import Quarantine
from tests.core.playbook import Playbook


def ticket(number: int, when_busy: WhenBusy = WhenBusy.WAIT) -> Ticket:
    made = Ticket(Lane.COUNTED, when_busy=when_busy)
    made.number = number
    return made


def backend(name: str = "gpu-1", limit: int = 1) -> Backend:
    return Backend(name, f"{name}:1", name, limit, order=0)


@pytest.mark.parametrize(("limit", "in_flight", "quarantined", "is_so"), [
    (1, 1, 0, False), (1, 2, 0, True), (1, 1, 1, True), (2, 1, 1, False), (0, 9, 0, False),
])  # fmt: skip
def test_more_than_it_may(limit: int, in_flight: int, quarantined: int, is_so: bool) -> None:
    pod = backend(limit=limit)
    pod.in_flight = {ticket(number): None for number in range(in_flight)}
    pod.quarantines = [Quarantine(0.0, 9.0, "broke")] * quarantined
    assert is_overfull(pod) is is_so


def test_past_one_who_came_earlier() -> None:
    line, home, other = Line(Budget(Policy())), backend("gpu-1"), backend("gpu-2")
    assert not has_overtaken(ticket(5), home, line)

    line.join(ticket(3), home, None, 0.0)
    assert has_overtaken(ticket(5), home, line)
    assert not has_overtaken(ticket(2), home, line)
    assert not has_overtaken(ticket(5), other, line)  # that one waits for its home alone

    line.join(ticket(4), None, None, 0.0)
    assert has_overtaken(ticket(5), other, line)


def test_a_pool_counts_them() -> None:
    book = Playbook("gpu-1")
    book.arrive("a")
    book.granted("a", on="gpu-1")
    book.arrive("b")
    book.arrive("c")
    assert (book.pool.counts.exclusivity_broken, book.pool.counts.order_broken) == (0, 0)

    book.pool._match._grant(book.tickets["c"], book.pool.backends["gpu-1"], book.now)  # as no match would
    assert (book.pool.counts.exclusivity_broken, book.pool.counts.order_broken) == (1, 1)
