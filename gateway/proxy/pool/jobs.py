"""The jobs of one pool that a client may ask about: those in line and those at work, by name and by session. Knows
where each is by its slot alone; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from gateway.core.records.backends_and_tickets import TicketState
from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.proxy.session.latest import Latest

if TYPE_CHECKING:
    import anyio

    from gateway.core.records.backends_and_tickets import Backend
    from gateway.core.views.record import RequestRecord
    from gateway.profiles.treatment import Treatment
    from gateway.runtime.driver import Slot


class Stoppable(Protocol):
    """What works on a job: its slot can be kept for a while."""

    def keep_until(self, told: anyio.Event) -> None: ...


class HasRelay(Protocol):
    """What the tracking of jobs needs of a request."""

    @property
    def record(self) -> RequestRecord:
        """What is told of it."""

    @property
    def relay(self) -> Stoppable | None:
        """What works on it at this moment."""


@dataclass(slots=True, eq=False)
class JobInHand:
    """A counted request, from its arrival to its end."""

    session: str | None  # whose it is; None: nobody can show that it is theirs
    slot: Slot
    request: HasRelay
    names: list[str] = field(default_factory=list)
    address: str = ""  # of its client, who may have no cookie

    @property
    def is_waiting(self) -> bool:
        """In line."""
        return self.slot.ticket.state is TicketState.WAITING

    @property
    def runs_on(self) -> Backend | None:
        """The backend that works on the job. None: none does."""
        return self.slot.backend if self.slot.ticket.state is TicketState.HOLDING else None

    def withdraw(self) -> None:
        """Out of the line: it will not be begun."""
        self.slot.done(Ending.REFUSED)
        self.slot.wake(None)

    def keep_until(self, told: anyio.Event) -> None:
        """Its slot is not given back before that: the pod is being told to stop what it works on."""
        if self.request.relay is not None:
            self.request.relay.keep_until(told)


class Jobs:
    """Bounded by the pool's line and slots: each job enters and leaves with its request. Of those that have left, the
    latest names are remembered."""

    def __init__(self) -> None:
        self._by_name: dict[str, list[JobInHand]] = {}
        self._by_session: dict[str, list[JobInHand]] = {}
        self._was_on: Latest[str] = Latest()

    def taken_in(self, request: HasRelay, slot: Slot, treatment: Treatment) -> JobInHand | None:
        """The request's job. None: it is none that somebody could ask about, who has no cookie and gave it no name."""
        ticket, name = slot.ticket, treatment.more.job if treatment.more is not None else None
        will_be_named = treatment.more is not None and treatment.more.dialogue is not None
        if ticket.lane is not Lane.COUNTED or not (ticket.returning or name or will_be_named):
            return None
        session = ticket.session if ticket.returning else None
        job = JobInHand(session, slot, request, [name] if name else [], request.record.client)
        self._enter(job)
        return job

    def _enter(self, job: JobInHand) -> None:
        for name in job.names:
            self._by_name.setdefault(name, []).append(job)
        if job.session is not None:
            self._by_session.setdefault(job.session, []).append(job)

    def name(self, job: JobInHand, name: str) -> None:
        """One more name, which the pod has given it."""
        if name not in job.names:
            job.names.append(name)
            self._by_name.setdefault(name, []).append(job)

    def leave(self, job: JobInHand) -> None:
        """The job is over."""
        for name in job.names:
            _drop(self._by_name, name, job)
            self._was_on.put(name, backend.identity if (backend := job.slot.ticket.backend) else "")
        if job.session is not None:
            _drop(self._by_session, job.session, job)

    def named(self, name: str) -> list[JobInHand]:
        """Jobs of that name, the oldest first, of any session."""
        return self._by_name.get(name, [])

    def place_of(self, name: str) -> str | None:
        """The backend (its identity) that works on a job of that name, or was the last to. None: none is known."""
        at_work = next((backend for job in self.named(name) if (backend := job.runs_on) is not None), None)
        return at_work.identity if at_work is not None else self.was_on(name) or None

    def was_on(self, name: str) -> str | None:
        """The backend (its identity) that the latest job of that name to leave was on; "": it was not begun. None: no
        such job has left, as far as is remembered."""
        return self._was_on.get(name)

    def of(self, session: str | None) -> list[JobInHand]:
        """A session's, the oldest first."""
        return self._by_session.get(session, []) if session is not None else []

    def __len__(self) -> int:
        return len({id(job) for index in (self._by_name, self._by_session) for jobs in index.values() for job in jobs})


def _drop(index: dict[str, list[JobInHand]], key: str, job: JobInHand) -> None:
    jobs = index[key]
    jobs.remove(job)
    if not jobs:
        del index[key]
