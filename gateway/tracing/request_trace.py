"""The spans of one request: one for the whole request, and below it one for each stage, each from the end of the last.

    wait       in line, with a receipt; an event says that no backend was ready, another one when a backend was
    dial       a connection is made, or an open one is found
    response   from the request's last byte to the end of the answer; an event says when the answer began

A turn that is given back is followed by another one, with stages of its own. Decides nothing, never waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode

from gateway.core.records.backends_and_tickets import TicketState
from gateway.core.records.receipt import receipt_of
from gateway.tracing.attributes import attributes_of, cut, failure_of, name_of
from gateway.tracing.context import extracted, injected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.core.records.backends_and_tickets import Ticket
    from gateway.core.views.record import RequestRecord
    from gateway.tracing.attributes import Value
    from gateway.tracing.context import Header

#: Characters of a reason, as in the access line.
_REASON = 512


class RequestTracer:
    """Begins the traces of requests. `clock`: the clock of the records, in seconds. `wall_clock`: nanoseconds
    since 1970."""

    def __init__(self, tracer: trace.Tracer, *, clock: Callable[[], float], wall_clock: Callable[[], int]) -> None:
        self._tracer = tracer
        self._clock = clock
        self._wall_clock = wall_clock

    def __call__(self, headers: Iterable[Header], record: RequestRecord, scheme: str) -> RequestTrace | None:
        """A request has come. Its span continues the client's trace, and is recorded if the client records it.

        None: it is not recorded, and the backend's parent is the client's own span.
        """
        parent = extracted(headers)
        now = self._wall_clock()
        span = self._tracer.start_span(name_of(record.method), parent, SpanKind.SERVER, start_time=now)
        is_followed = trace.get_current_span(parent).get_span_context().is_valid
        if not span.is_recording() and (is_followed or not span.get_span_context().is_valid):
            return None
        return RequestTrace(self._tracer, span, scheme, self._clock, now - round(record.started_at * 1e9))


class RequestTrace:
    """The trace of one request, told of each stage by the endpoint. `offset`: nanoseconds from 1970 to the
    clock's zero, taken once for all spans of a request, so that they fit together though the wall clock is set
    meanwhile."""

    def __init__(self, tracer: trace.Tracer, span: Span, scheme: str, clock: Callable[[], float], offset: int) -> None:
        self._tracer = tracer
        self._span = span
        self._scheme = scheme
        self._clock = clock
        self._offset = offset
        self._context = trace.set_span_in_context(span, Context())
        self._is_recorded = span.is_recording()  # else all there is to do is to tell backends
        self._stage: Span | None = None
        self._waits = False
        self._cold_since: float | None = None  # the wait under way began without a ready backend

    def waits(self, *, cold: bool) -> None:
        """The request joins the line; `cold`: no backend is ready. For the stages see the module."""
        now = self._clock()
        self._begin("wait", now)
        self._waits = True
        self._cold_since = now if cold else None
        if cold and self._stage is not None:
            self._stage.add_event("cold_start", timestamp=self._at(now))

    def waited(self, ticket: Ticket) -> None:
        """The wait is over. Without a turn the span stays open: its reason is known when the request has ended."""
        if self._stage is None or not self._waits:
            return
        self._waits = False
        attributes: dict[str, Value] = {"gateway.receipt": cut(receipt_of(ticket), _REASON)}
        if ticket.place is not None:
            attributes["gateway.place"] = ticket.place
        self._stage.set_attributes(attributes)
        if ticket.state is not TicketState.HOLDING or ticket.backend is None:
            return
        if self._cold_since is not None and ticket.backend.ready_at >= self._cold_since:
            ready_at = self._at(ticket.backend.ready_at)
            self._stage.add_event("backend_ready", {"gateway.backend": ticket.backend.name}, ready_at)
        self._close(self._clock())

    def dials(self, backend: str, headers: list[Header]) -> list[Header]:
        """A turn begins. The headers for the backend name the request's span as parent, which outlasts the turn."""
        self._begin("dial", self._clock(), {"gateway.backend": backend})
        return injected(headers, self._span)

    def dialled(self, *, reused: bool) -> None:
        """The connection is there, and the request goes out on it."""
        if self._stage is not None:
            self._stage.set_attribute("gateway.reused", reused)
        self._begin("response", self._clock())

    def answers(self) -> None:
        """The answer's head has come."""
        if self._stage is not None:
            self._stage.add_event("first_byte", timestamp=self._at(self._clock()))

    def broke(self, why: str) -> None:
        """The turn has failed, which is no failure of the request yet."""
        if self._stage is not None:
            self._stage.set_status(StatusCode.ERROR, cut(why, _REASON))
        self._close(self._clock())

    def ended(self, record: RequestRecord) -> None:
        """The request has ended. If it failed, it failed in the stage that is still open."""
        if not self._is_recorded:
            return
        if (failure := failure_of(record)) is not None:
            word, reason = failure
            for span in filter(None, (self._stage, self._span)):
                span.set_attribute("error.type", word)
                span.set_status(StatusCode.ERROR, reason)
        self._close(record.ended_at)
        self._span.set_attributes(attributes_of(record, self._scheme))
        self._span.end(self._at(record.ended_at))

    def _begin(self, name: str, now: float, attributes: dict[str, Value] | None = None) -> None:
        self._close(now)
        if self._is_recorded:
            self._stage = self._tracer.start_span(name, self._context, attributes=attributes, start_time=self._at(now))

    def _close(self, now: float) -> None:
        if self._stage is not None:
            self._stage.end(self._at(now))
            self._stage = None

    def _at(self, seconds: float) -> int:
        return self._offset + round(seconds * 1e9)
