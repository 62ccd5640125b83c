"""Figures of a pool that can be read at any time, at once. Changes nothing: `pool.py` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway.core.parts import Parts
    from gateway.core.policy import Policy
    from gateway.core.records.backends_and_tickets import Backend, Ticket
    from gateway.core.scaling.concurrency import TimeWeighted
    from gateway.core.scaling.report import RevisionReport


class Figures:
    """Figures of a pool, read from its parts. Changes nothing: `Pool`, which is one, does."""

    def __init__(self, name: str, parts: Parts) -> None:
        self.name = name
        self.budget = parts.budget
        self.sessions = parts.sessions
        self.estimates = parts.estimates
        self.starts = parts.starts
        self.counts = parts.counts
        self._availability = parts.availability
        self._line = parts.line
        self._admission = parts.admission
        self._outlook = parts.outlook
        self._demand = parts.demand
        self._judge = parts.judge

    @property
    def policy(self) -> Policy:
        """The rules in force."""
        return self._availability.policy

    @property
    def backends(self) -> Mapping[str, Backend]:
        """By identity: those that exist, and those that still have work of ours."""
        return self._availability.backends

    @property
    def in_flight(self) -> int:
        """Counted turns."""
        return self._availability.in_flight

    @property
    def quarantined(self) -> int:
        """Slots that nobody may have."""
        return self._availability.quarantined

    @property
    def looks_at_models(self) -> bool:
        """A backend may be left free for those that need what it has; time alone may end that."""
        return self._line.models is not None

    def should_ask_for_model(self, identity: str) -> bool:
        """Whether a backend rests and its loaded model is unknown, or may have changed."""
        backend = self.backends.get(identity)
        if backend is None or not self.looks_at_models:
            return False
        return backend.model_unsure and backend.rests and backend in self._availability.ready

    def model_needed(self, ticket: Ticket) -> str | None:
        """The model that a backend should have loaded for a ticket. None: any will do, or models do not matter."""
        models = self._line.models
        return None if models is None else models.needs(ticket)

    @property
    def is_cold(self) -> bool:
        """No backend is ready."""
        return not self._availability.ready

    def is_ready(self, backend: Backend) -> bool:
        """Whether it takes requests."""
        return backend in self._availability.ready

    @property
    def ready_count(self) -> int:
        """Ready backends."""
        return len(self._availability.ready)

    def may_be_released(self, backend: Backend) -> bool:
        """Whether an operator's word would change anything: a slot of it is quarantined, or it is ejected."""
        return bool(backend.quarantines) or backend in self._availability.ejected

    @property
    def ejected_count(self) -> int:
        """Backends that get no requests for a while because their turns failed, without those that are to go."""
        return sum(each.listed and each.may_return for each in self._availability.ejected.members())

    @property
    def waiting(self) -> int:
        """Counted tickets in line."""
        return len(self._line.counted)

    @property
    def waiting_exempt(self) -> int:
        """Exempt requests that wait for a first backend."""
        return len(self._line.exempt)

    @property
    def stopping(self) -> bool:
        """Nothing waits any longer, and nobody comes in."""
        return self._admission.stopping

    @property
    def wanted(self) -> int:
        """Demand that keeps at least one backend up or coming."""
        return self._demand.wanted

    @property
    def demand(self) -> int:
        """Requests that a scaler must serve."""
        return self._demand.load.level

    @property
    def load(self) -> TimeWeighted:
        """The demand over time."""
        return self._demand.load

    @property
    def report(self) -> RevisionReport | None:
        """The report to a remote autoscaler; None: there is none."""
        return self._demand.report

    @report.setter
    def report(self, report: RevisionReport | None) -> None:
        self._demand.report = report

    @property
    def waits_for_start(self) -> bool:
        """No backend is ready, and none will be by itself in a moment, as one that is only suspect may be."""
        return self.is_cold and not self._availability.somebody_rests

    def cold_for(self, now: float) -> float:
        """Seconds since demand met no ready backend; 0.0: it has not, or there is one by now."""
        since = self._outlook.cold_since
        return 0.0 if since is None else now - since

    def cold_left(self, now: float) -> float | None:
        """Seconds that the first ready backend is expected to take still. None: no start was measured yet."""
        return self._outlook.cold_left(now)

    def all_waiting(self) -> Iterator[Ticket]:
        """Counted tickets in line, in order."""
        return iter(self._line.counted)

    def first_waiting(self, count: int) -> list[Ticket]:
        """The first so many of them, at a cost that does not grow with the line."""
        return self._line.counted.first_few(count)

    def position(self, ticket: Ticket) -> int:
        """Place in line from 1: O(1), never too low, approximate. The snapshot has the exact order."""
        return self._line.position(ticket)

    def exact_position(self, ticket: Ticket) -> int | None:
        """Place in line from 1, counted: O(tickets). None: the ticket is not in line, or is exempt, and exempt
        requests have no places."""
        line = self._line.counted
        return sum(other.number <= ticket.number for other in line.members()) if ticket in line else None

    def everybody_waiting(self) -> list[Ticket]:
        """In line, in whatever lane. O(n log n)."""
        return self._line.everybody()

    def expected_wait(self, now: float) -> float | None:
        """Seconds until a newcomer's turn is expected to begin. None: nothing was measured yet."""
        return self._outlook.of_newcomer(now)

    def expected_wait_of(self, ticket: Ticket, now: float) -> float | None:
        """Seconds until the turn of one in line is expected to begin. None: nothing was measured yet."""
        return self._outlook.of(ticket, now)

    def has_another(self, backend: Backend) -> bool:
        """Somebody else serves, or may do so again: a broken turn can be repeated elsewhere."""
        return self._availability.has_another(backend)

    @property
    def unready_because(self) -> str:
        """Why the first backend that is not ready is not; "": nobody knows. O(backends)."""
        return self._availability.unready_because

    def starting(self) -> list[str]:
        """Backends that are not ready and have no work, oldest first."""
        return self._availability.starting()

    def hopeless(self) -> dict[str, str]:
        """Backends without work that were found to fail so often in a row that they had better be replaced, and why."""
        return self._judge.hopeless()

    def overdue_quarantines(self, age: float, now: float) -> list[str]:
        """Backends with a slot that has been quarantined for `age` seconds and with nothing else in hand."""
        return self._availability.overdue(age, now)
