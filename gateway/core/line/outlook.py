"""How long a request will wait: by the slots that there are and those that start, each busy one free after what is left
of a median of work, each starting one after what is left of a median of cold starts, those ahead served in their order.

Unknown is None: before anything was measured, and where all slots are quarantined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.line.expected_wait import begins_in
from gateway.core.records.listed import BackendState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.core.backends.availability import Availability
    from gateway.core.line.expected_wait import Estimates
    from gateway.core.line.line import Line
    from gateway.core.records.backends_and_tickets import Backend, Ticket


class Outlook:
    """One pool's."""

    def __init__(self, availability: Availability, line: Line, estimates: Estimates) -> None:
        self.cold_since: float | None = None  # since when demand meets no ready backend
        self._availability = availability
        self._line = line
        self._estimates = estimates
        self._told: tuple[object, float | None] = (None, None)

    def of_newcomer(self, now: float) -> float | None:
        """Of one that comes now. O(backends), once a second while nothing changes: a full line is asked for by all whom
        it refuses."""
        line, availability = self._line, self._availability
        if availability.free and not line.counted:
            return 0.0
        at = (int(now), len(line.counted), availability.in_flight, len(availability.ready), len(availability.backends))
        if self._told[0] != at:
            self._told = at, self._begins(len(line.counted), availability.backends.values(), now)
        return self._told[1]

    def of(self, ticket: Ticket, now: float) -> float | None:
        """Of one in line. One that its home alone may serve has the home's line before it."""
        home = ticket.bound_to
        if home is None or ticket in self._line.shared:
            ahead = max(0, self._line.position(ticket) - 1)
            return self._begins(ahead, self._availability.backends.values(), now)
        ahead = sum(other.number < ticket.number for other in home.line.members())
        return self._begins(ahead, (home,), now)

    def cold_left(self, now: float) -> float | None:
        """Seconds that the first ready backend is expected to take still. None: no start was measured yet."""
        usual, since = self._estimates.cold_start, self.cold_since
        return None if usual is None else max(0.0, usual - (0.0 if since is None else now - since))

    def _begins(self, ahead: int, backends: Iterable[Backend], now: float) -> float | None:
        slots = [slot for backend in backends for slot in self._slots(backend, now)]
        if not slots and not self._availability.ready and (left := self.cold_left(now)) is not None:
            slots = [left]  # nobody has begun to start yet
        if not slots:
            return None
        service = self._estimates.service
        if service is None:
            return sorted(slots)[ahead] if ahead < len(slots) else None
        return begins_in(ahead, slots, service)

    def _slots(self, backend: Backend, now: float) -> Iterator[float]:
        """In how many seconds each of its slots is free, as far as that can be told."""
        if not backend.listed or backend.held:
            return
        if backend.state is BackendState.STARTING:
            usual = self._estimates.cold_start
            if usual is not None:
                left = max(0.0, usual - (now - backend.starting_since))
                yield from [left] * max(1, backend.limit)
        elif backend.state is BackendState.READY and not backend.is_ejected(now):
            rests = max(0.0, backend.suspect_until - now)
            yield from [rests] * backend.free_slots
            for ticket in backend.in_flight:
                usual = self._estimates.service_of(ticket.model)
                if usual is not None:
                    yield max(rests, usual - (now - ticket.granted_at))
