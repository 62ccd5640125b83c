"""W3C Trace Context (https://www.w3.org/TR/trace-context/), extracted and injected: `traceparent` names the trace of a
request and the span that asked for it, `tracestate` is for vendors and passes as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from collections.abc import Iterable

Header = tuple[bytes, bytes]

_PARENT, _STATE = b"traceparent", b"tracestate"
_W3C = TraceContextTextMapPropagator()


def extracted(headers: Iterable[Header]) -> Context:
    """The context that a client sends; an empty one if it sends none, or one that is not valid. Names of
    headers must be in lower case."""
    parents, states = [], []
    for name, value in headers:
        if name == _PARENT:
            parents.append(value.decode("latin-1"))
        elif name == _STATE:
            states.append(value.decode("latin-1"))
    if len(parents) != 1:  # of several, none can be chosen
        return Context()
    return _W3C.extract({"traceparent": parents, "tracestate": states}, Context())


def injected(headers: list[Header], span: trace.Span) -> list[Header]:
    """The headers with `span` as the parent, in place of the context that they had."""
    fields: dict[str, str] = {}
    _W3C.inject(fields, trace.set_span_in_context(span, Context()))
    kept = [header for header in headers if header[0] not in (_PARENT, _STATE)]
    return kept + [(name.encode(), value.encode("latin-1", "replace")) for name, value in fields.items()]
