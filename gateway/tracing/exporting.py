"""Sends spans to a collector: OTLP over HTTP, in batches, by a thread of the SDK. What does not get through is dropped:
no request waits for a collector, and the gateway's stop waits a bounded moment at the very end.

The endpoint and the share of traces come from the gateway's configuration; the SDK reads all else (headers,
certificates, sizes of batches, the service's name) from its own variables, `OTEL_…`.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import HOST_NAME, SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from gateway.tracing.request_trace import RequestTracer
from gateway.tracing.sdk_log import sdk_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: What a gateway is called unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES says otherwise.
NAME = "gateway"

#: Seconds that the gateway's stop waits for the collector to take the last spans.
FLUSH_TIMEOUT = 2.0


@contextmanager
def exporting(
    endpoint: str, *, sample: float, host: str, clock: Callable[[], float], flush_timeout: float = FLUSH_TIMEOUT
) -> Iterator[RequestTracer]:
    """Inside, traces go to the collector at `endpoint`, a base URL. `sample`: the share, from 0 to 1, of traces that
    begin here; of others, those that their client records. `host` is where this process runs; `clock` is that of the
    records, in seconds."""
    with sdk_log():
        exporter = OTLPSpanExporter(f"{endpoint.removesuffix('/')}/v1/traces")
        provider = provider_of(sample, host)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        try:
            yield RequestTracer(provider.get_tracer(NAME), clock=clock, wall_clock=time.time_ns)
        finally:
            _flush(provider, exporter, flush_timeout)


def provider_of(sample: float, host: str) -> TracerProvider:
    """The SDK's provider, without an exporter."""
    resource = Resource.create()
    if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):  # the SDK's word for: nobody has said
        resource = resource.merge(Resource({SERVICE_NAME: NAME}))
    resource = Resource({HOST_NAME: host}).merge(resource)
    return TracerProvider(ParentBased(TraceIdRatioBased(sample)), resource, shutdown_on_exit=False)


def _flush(provider: TracerProvider, exporter: SpanExporter, patience: float) -> None:
    """In a daemon thread: a collector may hang, and the SDK would wait for half a minute."""
    last = threading.Thread(target=provider.shutdown, name="last-spans", daemon=True)
    last.start()
    last.join(patience)
    if last.is_alive():
        structlog.get_logger().warning(
            "spans_lost",
            why=f"the collector has not taken the last within {patience:g} s",
            do="see whether it is up; they are not sent again",
        )
        exporter.shutdown()
