"""A collector of traces on a free loopback port: takes OTLP over HTTP and reads it. It has threads of its own, so that
it answers even those who hold up the event loop."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True)
class Collected:
    """A span as it came. Times are nanoseconds since 1970."""

    service: str
    name: str
    trace: str
    id: str
    parent: str  # "": it has none
    began: int
    ended: int
    said: dict[str, Any]
    events: dict[str, int]
    error: str | None  # why; None: it is none

    def holds(self, other: Collected) -> bool:
        """It is the other's parent, in time as well."""
        is_child = (other.trace, other.parent) == (self.trace, self.id)
        return is_child and self.began <= other.began <= other.ended <= self.ended


class Collector:
    """Use as a context manager. `status` is what it answers; while `hangs` is set, it does not."""

    def __init__(self) -> None:
        self.spans: list[Collected] = []
        self.paths: list[str] = []
        self.status = 200
        self._going_on = threading.Event()
        self._going_on.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        """What `tracing.endpoint` is set to."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def hang(self) -> None:
        """Take what comes and answer nothing, until the end."""
        self._going_on.clear()

    def named(self, name: str) -> list[Collected]:
        """Spans of that name, the oldest first."""
        return sorted((span for span in self.spans if span.name == name), key=lambda span: span.began)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._going_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _take(self, path: str, body: bytes) -> None:
        self.paths.append(path)
        told = ExportTraceServiceRequest.FromString(body)
        for resource in told.resource_spans:
            service = _plain(resource.resource.attributes)["service.name"]
            self.spans += [_collected(service, span) for scope in resource.scope_spans for span in scope.spans]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector._going_on.wait()
                if collector.status == 200:
                    collector._take(self.path, body)
                self.send_response(collector.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _collected(service: str, span: Span) -> Collected:
    return Collected(
        service,
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        _plain(span.attributes),
        {event.name: event.time_unix_nano for event in span.events},
        span.status.message if span.status.code == span.status.STATUS_CODE_ERROR else None,
    )


def _plain(attributes: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in attributes}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind is not None else None
