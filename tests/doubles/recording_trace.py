"""Hears of a request on its way what a tracer hears, and writes it down."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.core.records.backends_and_tickets import Ticket
    from gateway.core.views.record import RequestRecord
    from gateway.proxy.headers.forwarded import Header

#: What it gives a backend to know the trace by.
MARK = (b"traceparent", b"ours")


class RecordingTrace:
    """`told`: in the order in which it heard of it."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self._waits = False

    def begin(self, headers: Iterable[Header], record: RequestRecord, scheme: str) -> RecordingTrace | None:
        """A tracer, which follows nobody who asks not to be followed."""
        if (b"dnt", b"1") in headers:
            return None
        self.told.append(f"{record.method} by {scheme}")
        return self

    def waits(self, *, cold: bool) -> None:
        self._waits = True
        self.told.append("waits, cold" if cold else "waits")

    def waited(self, ticket: Ticket) -> None:
        if self._waits:
            self.told.append(f"waited, then {ticket.state.value}")
        self._waits = False

    def dials(self, backend: str, headers: list[Header]) -> list[Header]:
        self.told.append(f"dials {backend}")
        return [*headers, MARK]

    def dialled(self, *, reused: bool) -> None:
        self.told.append("dialled, reused" if reused else "dialled")

    def answers(self) -> None:
        self.told.append("answers")

    def broke(self, why: str) -> None:
        self.told.append(f"broke: {why}")

    def ended(self, record: RequestRecord) -> None:
        assert record.ending is not None
        self.told.append(f"ended {record.ending.value} with {record.status}")
