"""The spans of one request: one for the whole of it, and below that one for each stage, which begin where another ends.

    wait       in line, with a receipt; an event says that no backend was ready, another when one was
    dial       a connection is made, or one is found that is open
    response   from the request's last byte to the end of the answer; an event says when the answer began

A turn that comes to nothing is followed by another one, with stages of its own. Never decides anything, never waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode

from gateway.core.records.backends_and_tickets import TicketState
from gateway.core.records.receipt import receipt_of
from gateway.tracing.attributes import attributes_of, cut, failure_of, name_of
from gateway.tracing.context import carried, continued

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.core.records.backends_and_tickets import Ticket
    from gateway.core.views.record import RequestRecord
    from gateway.tracing.attributes import Value
    from gateway.tracing.context import Header

#: Characters of a reason, as in the access line.
_REASON = 512


class RequestTracer:
    """Begins the traces of requests. `clock` is the records' own, in seconds; `wall_clock` tells nanoseconds since
    1970."""

    def __init__(self, tracer: trace.Tracer, *, clock: Callable[[], float], wall_clock: Callable[[], int]) -> None:
        self._tracer = tracer
        self._clock = clock
        self._wall_clock = wall_clock

    def __call__(self, headers: Iterable[Header], record: RequestRecord, scheme: str) -> RequestTrace | None:
        """A request has come. The client's trace goes on in ours, and is recorded if the client's part of it is.

        None: it is not, so there will be no span that the backend could name as its parent, and the client's own
        remains that.
        """
        parent = continued(headers)
        now = self._wall_clock()
        span = self._tracer.start_span(name_of(record.method), parent, SpanKind.SERVER, start_time=now)
        is_followed = trace.get_current_span(parent).get_span_context().is_valid
        if not span.is_recording() and (is_followed or not span.get_span_context().is_valid):
            return None
        return RequestTrace(self._tracer, span, scheme, self._clock, now - round(record.started_at * 1e9))


class RequestTrace:
    """A listener for the endpoint. `offset`: nanoseconds from the clock's zero to 1970's, the same for all spans of a
    request, so that they fit whatever becomes of the wall clock."""

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
        """See the table at the top of this file, here and below."""
        now = self._clock()
        self._begin("wait", now)
        self._waits = True
        self._cold_since = now if cold else None
        if cold and self._stage is not None:
            self._stage.add_event("cold_start", timestamp=self._at(now))

    def waited(self, ticket: Ticket) -> None:
        """Leaves a wait without a turn open: why it ended so is known when the request has."""
        if self._stage is None or not self._waits:
            return
        self._waits = False
        said: dict[str, Value] = {"gateway.receipt": cut(receipt_of(ticket), _REASON)}
        if ticket.place is not None:
            said["gateway.place"] = ticket.place
        self._stage.set_attributes(said)
        if ticket.state is not TicketState.HOLDING or ticket.backend is None:
            return
        if self._cold_since is not None and ticket.backend.ready_at >= self._cold_since:
            ready_at = self._at(ticket.backend.ready_at)
            self._stage.add_event("backend_ready", {"gateway.backend": ticket.backend.name}, ready_at)
        self._close(self._clock())

    def dials(self, backend: str, headers: list[Header]) -> list[Header]:
        """The backend's own spans get that of the request as their parent: it is there whatever becomes of a turn."""
        self._begin("dial", self._clock(), {"gateway.backend": backend})
        return carried(headers, self._span)

    def dialled(self, *, reused: bool) -> None:
        """The rest is the backend's."""
        if self._stage is not None:
            self._stage.set_attribute("gateway.reused", reused)
        self._begin("response", self._clock())

    def answers(self) -> None:
        """As far as the gateway can see, the work is done; a stream's has begun."""
        if self._stage is not None:
            self._stage.add_event("first_byte", timestamp=self._at(self._clock()))

    def broke(self, why: str) -> None:
        """Of a stage, not of the request."""
        if self._stage is not None:
            self._stage.set_status(StatusCode.ERROR, cut(why, _REASON))
        self._close(self._clock())

    def ended(self, record: RequestRecord) -> None:
        """A stage that is open still is where it went wrong, if it did."""
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

    def _begin(self, name: str, now: float, said: dict[str, Value] | None = None) -> None:
        self._close(now)
        if self._is_recorded:
            self._stage = self._tracer.start_span(name, self._context, attributes=said, start_time=self._at(now))

    def _close(self, now: float) -> None:
        if self._stage is not None:
            self._stage.end(self._at(now))
            self._stage = None

    def _at(self, seconds: float) -> int:
        return self._offset + round(seconds * 1e9)
