"""Receipts: why a request waits, or waited, in words. A receipt names the lane and the rule that chose it, the home,
the place, the backends it met and why none took it, what ended the wait, and whether the model was there. Explains
decisions, makes none.

What is noted is noted of those who wait, and of no more than `SHOWN` backends; the words are made when somebody asks.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from gateway.core.records.listed import BackendState

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.core.records.backends_and_tickets import Backend, Ticket

#: Backends that a receipt names: the home first. More would be no receipt.
SHOWN = 8


class Blockers:
    """Notes what each one who begins to wait meets. Ten thousand who meet the same share one note."""

    def __init__(self) -> None:
        self._last = ""

    def met(self, ticket: Ticket, backends: Collection[Backend], now: float) -> str:
        """O(1): it looks at `SHOWN` of them."""
        met = Look(backends, now).met(ticket)
        if met != self._last:
            self._last = met
        return self._last


class Look:
    """The backends that there are at one moment, as all who wait meet them: alike but for each one's home, and for
    whether they wait for a model."""

    def __init__(self, backends: Collection[Backend], now: float) -> None:
        self._now = now
        self._count = len(backends)
        self._first = [(each, _told(each, now)) for each in itertools.islice(backends, SHOWN)]
        self._met: dict[Backend | str | None, str] = {}

    def met(self, ticket: Ticket) -> str:
        """By one that waits for its home, or for anybody: each with why it was none, and how many besides."""
        home = ticket.bound_to
        awaited = _A_MODEL if home is None and ticket.need is not None else home
        if awaited not in self._met:
            others = [told for backend, told in self._first if backend is not home]
            named = others if home is None else [_told(home, self._now), *others[: SHOWN - 1]]
            if awaited is _A_MODEL:  # a free one had better not serve it
                named = [
                    f"{told.removesuffix(_FREE)}has another model" if told.endswith(_FREE) else told for told in named
                ]
            more = self._count - len(named)
            told = ", ".join(named) + (f", and {more} more" if more else "")
            self._met[awaited] = told or "there was no backend"
        return self._met[awaited]


_A_MODEL = "a model"
_FREE = "not its home"


def _told(backend: Backend, now: float) -> str:
    return f"{backend.name} {why_not(backend, now)}"


def why_not(backend: Backend, now: float) -> str:
    """Why it takes nobody, in one word; if it could, somebody else has the right."""
    if backend.state is BackendState.GONE:
        return "gone"
    if backend.state is BackendState.STARTING and backend.listed:
        return "starting"
    if backend.state is BackendState.READY and backend.is_suspect(now):
        return "suspect"
    if backend.would_serve(now) and backend.is_ejected(now):
        return "ejected"
    if not backend.is_eligible(now):
        return "draining"
    if backend.free_slots > 0:
        return _FREE
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


def receipt_of(ticket: Ticket, met: str | None = None) -> str:
    """In one line. `met`: what there is now; None: what it met when it came, if it had to wait."""
    parts = (
        f"{ticket.lane.value} by {ticket.rule}" if ticket.rule else ticket.lane.value,
        _home(ticket),
        f"came as number {ticket.place} in line" if ticket.place is not None else "",
        met or ticket.met,
        ticket.wait_ended,
        _model(ticket),
    )
    return "; ".join([part for part in parts if part])


def _model(ticket: Ticket) -> str:
    if ticket.had_model is None or ticket.backend is None:
        return ""
    return f"{ticket.backend.name} {'has' if ticket.had_model else 'loads'} the model"


def _home(ticket: Ticket) -> str:
    if ticket.session is None:
        return ""
    if ticket.backend is not None:
        return _seat(ticket, ticket.backend)
    if ticket.bound_to is not None:
        return f"its home is {ticket.bound_to.name}"
    return "no home yet" if ticket.home is None else "its home cannot serve it"


def _seat(ticket: Ticket, backend: Backend) -> str:
    if ticket.new_home and ticket.home == backend.identity:
        return f"{backend.name} is its new home{', as the one it had could not serve it' if ticket.returning else ''}"
    if ticket.home == backend.identity:
        return f"at home on {backend.name}"
    had = ticket.bound_to if ticket.met is None else None  # who had to wait is told what was the matter with home
    return f"not at home, on {backend.name}" + (f", as {had.name} had no slot free" if had is not None else "")
