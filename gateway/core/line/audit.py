"""Audit of each grant: a backend never has more than `limit`, and nobody is served before those who came earlier.
The match sees to both; the audit looks at what it did, so that a defect is counted in production, too. Decides
nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.core.line.line import Line
    from gateway.core.records.backends_and_tickets import Backend, Ticket


def is_overfull(backend: Backend) -> bool:
    """Whether a backend has more requests and quarantined slots than its limit."""
    return 0 < backend.limit < len(backend.in_flight) + len(backend.quarantines)


def has_overtaken(ticket: Ticket, backend: Backend, line: Line) -> bool:
    """Somebody who came before this ticket waits, and could have had its slot. Where models matter only those are
    looked at who may not be overtaken (any more). O(1)."""
    oldest = line.entitled_to(backend) if line.counted else None
    return oldest is not None and oldest.number < ticket.number
