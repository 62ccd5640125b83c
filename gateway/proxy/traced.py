"""The protocol of a request's trace: facts as they happen. A request that is not traced has no `Trace`, and costs
nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from gateway.core.views.record import RequestRecord
from gateway.proxy.headers.forwarded import Header

if TYPE_CHECKING:
    from gateway.core.records.backends_and_tickets import Ticket


class Trace(Protocol):
    """One request's. Each method is told a fact when it happens, returns at once and raises nothing."""

    def waits(self, *, cold: bool) -> None:
        """The request stands in line. `cold`: no backend is ready."""

    def waited(self, ticket: Ticket) -> None:
        """The request has a turn, or has left the line without one. Ignored if it does not wait (any more)."""

    def dials(self, backend: str, headers: list[Header]) -> list[Header]:
        """A connection to the backend of that name is made, or found. Returns the headers for it: with the context of
        this trace in place of what the client sent."""

    def dialled(self, *, reused: bool) -> None:
        """There is one, and the request is on it. `reused`: it had carried another request."""

    def answers(self) -> None:
        """The head of the backend's answer has come."""

    def broke(self, why: str) -> None:
        """This attempt came to nothing; the request is not over."""

    def ended(self, record: RequestRecord) -> None:
        """The request is over. Called once, last."""


#: Begins the trace of a request: its headers, its record, http or https. None: it is not traced, and what the client
#: sent of a trace goes on to the backend as it is.
Tracer = Callable[[Iterable[Header], RequestRecord, str], Trace | None]
