"""What the end of a counted turn says of its backend."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from gateway.core.records.decisions import Ending

if TYPE_CHECKING:
    from gateway.core.records.backends_and_tickets import Ticket

_BROKEN = {
    Ending.BACKEND_BROKE_BEFORE_ANSWER: "it broke off before its answer",
    Ending.BACKEND_BAD_ANSWER: "its answer was not HTTP",
    Ending.BACKEND_BROKE_IN_ANSWER: "it broke off in mid-answer",
}


class Quality(enum.Enum):
    """What the end of a counted turn says of its backend."""

    WELL = "well"
    FAILED = "failed"  # a 5xx of its own, an answer that broke or was none, a job that failed behind it
    UNSAID = "unsaid"  # the client's request was bad or the client left, or time ran out: nobody knows whose fault


def quality_of(ticket: Ticket, ending: Ending) -> Quality:
    """Of the turn that has ended so. An answer of which no status is known was a good one."""
    status = ticket.status
    if ending in _BROKEN or ticket.failure or (status is not None and status >= 500):
        return Quality.FAILED
    is_good = ending is Ending.SERVED and (status is None or status < 400)
    return Quality.WELL if is_good else Quality.UNSAID


def failure_of(ticket: Ticket, ending: Ending) -> str:
    """How a failed turn did, in words."""
    return ticket.failure or _BROKEN.get(ending) or f"it answered {ticket.status}"
