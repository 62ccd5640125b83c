"""Spans that are kept where they are made, for tests to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from gateway.tracing.exporting import provider_of
from gateway.tracing.request_trace import RequestTracer

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace import ReadableSpan

#: When the clock of a test is at zero, in nanoseconds since 1970.
ZERO = 1_800_000_000 * 10**9


class KeptSpans:
    """A tracer, on a clock of the test's, and what has come of it."""

    def __init__(self, clock: Callable[[], float], sample: float = 1.0) -> None:
        self._kept = InMemorySpanExporter()
        provider = provider_of(sample, "test")
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.tracer = RequestTracer(
            provider.get_tracer("test"), clock=clock, wall_clock=lambda: ZERO + round(clock() * 1e9)
        )

    @property
    def all(self) -> tuple[ReadableSpan, ...]:
        """Those that have ended, in that order."""
        return self._kept.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        """Those of one name."""
        return [span for span in self.all if span.name == name]

    def times(self) -> list[tuple[str, float, float]]:
        """Of each its name, beginning and end on the clock of the test."""
        return [(span.name, seconds(span.start_time), seconds(span.end_time)) for span in self.all]


def seconds(nanoseconds: int | None) -> float:
    """On the clock of the test."""
    assert nanoseconds is not None
    return round((nanoseconds - ZERO) / 1e9, 6)


def events(span: ReadableSpan) -> list[tuple[str, float]]:
    """Of one span."""
    return [(event.name, seconds(event.timestamp)) for event in span.events]


def said(span: ReadableSpan) -> dict[str, Any]:
    """The attributes of one span."""
    return dict(span.attributes or {})


def error(span: ReadableSpan) -> str | None:
    """Why it is one; None: it is none."""
    return span.status.description if span.status.status_code is StatusCode.ERROR else None
