"""W3C Trace Context, in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace

from gateway.tracing.context import extracted, injected

if TYPE_CHECKING:
    from opentelemetry.context import Context

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = (b"traceparent", f"00-{TRACE}-{SPAN}-01".encode())


def told(context: Context) -> tuple[str, str, bool] | None:
    span = trace.get_current_span(context).get_span_context()
    if not span.is_valid:
        return None
    return f"{span.trace_id:032x}", f"{span.span_id:016x}", span.trace_flags.sampled


def test_a_client_says_which_trace_it_is() -> None:
    assert told(extracted([(b"host", b"sd"), PARENT])) == (TRACE, SPAN, True)
    assert told(extracted([(PARENT[0], PARENT[1][:-1] + b"0")])) == (TRACE, SPAN, False)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [PARENT, PARENT],
        [(b"traceparent", b"")],
        [(b"traceparent", b"\xff" * 600)],
        [(b"traceparent", PARENT[1].upper())],
        [(b"traceparent", PARENT[1] + b"-more")],
        [(b"traceparent", b"ff" + PARENT[1][2:])],
        [(b"traceparent", f"00-{'0' * 32}-{SPAN}-01".encode())],
        [(b"traceparent", f"00-{TRACE}-{'0' * 16}-01".encode())],
        [(b"tracestate", b"vendor=1")],
    ],
    ids=["none", "two", "empty", "noise", "upper case", "longer", "version ff", "no trace", "no span", "state alone"],
)
def test_what_cannot_be_understood_is_no_trace(headers: list[tuple[bytes, bytes]]) -> None:
    assert told(extracted(headers)) is None


def test_a_backend_is_told_of_one_parent_and_the_rest_passes() -> None:
    headers = [(b"host", b"sd"), PARENT, (b"tracestate", b"a=1"), (b"accept", b"*/*"), (b"tracestate", b"b=2")]
    parent = trace.get_current_span(extracted(headers)).get_span_context()
    ours = trace.SpanContext(
        parent.trace_id, 0xABC, is_remote=False, trace_flags=parent.trace_flags, trace_state=parent.trace_state
    )
    assert injected(headers, trace.NonRecordingSpan(ours)) == [
        (b"host", b"sd"),
        (b"accept", b"*/*"),
        (b"traceparent", f"00-{TRACE}-{'abc':0>16}-01".encode()),
        (b"tracestate", b"a=1,b=2"),
    ]


def test_without_a_trace_of_ours_there_is_none() -> None:
    assert injected([PARENT, (b"accept", b"*/*")], trace.INVALID_SPAN) == [(b"accept", b"*/*")]
