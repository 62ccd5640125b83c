"""Why a request waits, or waited: its lane and the rule that chose it, its home, its place, which backends it met and
why none of them took it, and what ended the wait. Explains decisions, makes none.

What is noted is noted of those who wait, and of no more than `SHOWN` backends; the words are made when somebody asks.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

from gateway.core.backend import BackendState

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.core.backend import Backend
    from gateway.core.ticket import Ticket

#: Backends that a receipt names: the home first. More would be no receipt.
SHOWN = 8


class Met(NamedTuple):
    """The backends there were: names, each with why it was none; and how many besides."""

    backends: tuple[tuple[str, str], ...]
    others: int


class Witness:
    """Notes what each one who begins to wait meets. Ten thousand who meet the same share one note."""

    def __init__(self) -> None:
        self._last: Met | None = None

    def met(self, ticket: Ticket, backends: Collection[Backend], now: float) -> Met:
        """O(1): it looks at `SHOWN` of them."""
        met = met_by(ticket, backends, now)
        if met == self._last:
            return self._last
        self._last = met
        return met


def met_by(ticket: Ticket, backends: Collection[Backend], now: float) -> Met:
    """What there is for a waiting ticket now."""
    home = ticket.bound_to
    others = (backend for backend in backends if backend is not home)
    room = SHOWN if home is None else SHOWN - 1
    named = [*([] if home is None else [home]), *itertools.islice(others, room)]
    return Met(tuple((backend.name, why_not(backend, now)) for backend in named), max(0, len(backends) - len(named)))


def why_not(backend: Backend, now: float) -> str:
    """Why it takes nobody, in one word; if it could, somebody else has the right."""
    if backend.state is BackendState.GONE:
        return "gone"
    if backend.state is BackendState.STARTING and backend.listed:
        return "starting"
    if backend.state is BackendState.READY and backend.is_suspect(now):
        return "suspect"
    if not backend.is_eligible(now):
        return "draining"
    if backend.free_slots > 0:
        return "not its home"
    return "quarantined" if backend.quarantines else "busy"


def what_ended(ticket: Ticket, backend: Backend, now: float) -> str:
    """A waiting ticket gets its turn on `backend` now."""
    if ticket.bound_to is not None and ticket.bound_to is not backend:
        return f"{backend.name} helped out"
    if backend.ready_at == now:
        return f"{backend.name} became ready"
    if backend.released_at == now:
        return f"a quarantine of {backend.name} ended"
    return f"{backend.name} became free"


def receipt_of(ticket: Ticket, met: Met | None = None) -> str:
    """In one line. `met`: what there is now; None: what it met when it came, if it had to wait."""
    parts = [f"{ticket.lane.value} by {ticket.rule}" if ticket.rule else ticket.lane.value, _home(ticket)]
    met = met or ticket.met
    if ticket.place is not None:
        parts.append(f"came as number {ticket.place} in line")
    if met is not None:
        parts.append(_told(met))
    parts.append(ticket.wait_ended)
    return "; ".join(filter(None, parts))


def _told(met: Met) -> str:
    if not met.backends:
        return "there was no backend"
    told = ", ".join(f"{name} {why}" for name, why in met.backends)
    return f"{told}, and {met.others} more" if met.others else told


def _home(ticket: Ticket) -> str:
    if ticket.session is None:
        return ""
    if ticket.backend is not None:
        if ticket.new_home:
            return f"{ticket.backend.name} is its new home"
        return f"{'at home on' if ticket.home == ticket.backend.identity else 'not at home, on'} {ticket.backend.name}"
    if ticket.bound_to is not None:
        return f"its home is {ticket.bound_to.name}"
    return "no home yet" if ticket.home is None else "its home cannot serve it"
