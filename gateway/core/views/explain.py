"""Explains where one request is and why, for an operator who asks by its id. O(tickets), so not for what asks again
and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway.core.records.backends_and_tickets import TicketState
from gateway.core.records.receipt import Look, receipt_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.core.pool import Pool
    from gateway.core.records.backends_and_tickets import Ticket


class Explained(NamedTuple):
    """In plain values."""

    request: str
    pool: str
    state: str  # waiting, working, ended
    place: int | None  # in line, now
    backend: str | None  # that works on it
    why: str  # its receipt


def explain(pool: Pool, label: str, now: float) -> Explained | None:
    """None: nobody of that name is in line or at work in this pool. Of several the one in line, the first of them."""
    ticket = next((ticket for ticket in _everybody(pool) if ticket.label == label), None)
    if ticket is None:
        return None
    if ticket.state is not TicketState.WAITING:
        backend = ticket.backend.name if ticket.backend is not None else None
        return Explained(label, pool.name, "working", None, backend, receipt_of(ticket))
    met = Look(pool.backends.values(), now).met(ticket)
    return Explained(label, pool.name, "waiting", pool.exact_position(ticket), None, receipt_of(ticket, met))


def _everybody(pool: Pool) -> Iterator[Ticket]:
    yield from pool.everybody_waiting()
    for backend in pool.backends.values():
        yield from backend.in_flight
        yield from backend.uncounted
