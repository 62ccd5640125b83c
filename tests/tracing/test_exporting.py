"""Spans on their way to a collector, and a collector that is not there."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.resources import HOST_NAME, SERVICE_NAME
from structlog.testing import capture_logs

from gateway.tracing.exporting import exporting, provider_of
from tests.doubles.collector import Collector
from tests.doubles.records import served

if TYPE_CHECKING:
    from gateway.tracing.request_trace import RequestTracer


def trace(tracer: RequestTracer) -> None:
    record = served(started_at=time.monotonic(), ended_at=time.monotonic() + 1)
    request = tracer([], record, "http")
    assert request is not None
    request.ended(record)


@pytest.mark.parametrize("prefix", ["", "/", "/otlp", "/otlp/"])
def test_the_last_spans_arrive_before_it_is_left(prefix: str) -> None:
    with Collector() as collector:
        with exporting(collector.url + prefix, sample=1.0, host="me", clock=time.monotonic) as tracer:
            trace(tracer)
            trace(tracer)
        assert [(span.service, span.name) for span in collector.spans] == [("gateway", "POST")] * 2
        assert set(collector.paths) == {prefix.rstrip("/") + "/v1/traces"}


def test_a_share_of_nothing_is_nothing() -> None:
    with Collector() as collector:
        with exporting(collector.url, sample=0.0, host="me", clock=time.monotonic) as tracer:
            trace(tracer)
        assert collector.spans == []


def test_a_collector_that_hangs_is_not_waited_for() -> None:
    with Collector() as collector:
        collector.hang()
        with (
            capture_logs() as events,
            exporting(collector.url, sample=1.0, host="me", clock=time.monotonic, flush_timeout=0.01) as tracer,
        ):
            trace(tracer)
        assert [event["event"] for event in events if event["event"] == "spans_lost"] == ["spans_lost"]


def test_a_collector_that_refuses_is_a_warning() -> None:
    with Collector() as collector:
        collector.status = 400
        with (
            capture_logs() as events,
            exporting(collector.url, sample=1.0, host="me", clock=time.monotonic) as tracer,
        ):
            trace(tracer)
        assert [event["event"] for event in events] == ["tracing_trouble"]
        assert "400" in events[0]["what"]


def test_a_gateway_has_a_name_and_a_place() -> None:
    attributes = provider_of(1.0, "pod-7").resource.attributes
    assert (attributes[SERVICE_NAME], attributes[HOST_NAME]) == ("gateway", "pod-7")
