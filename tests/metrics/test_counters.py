"""What is counted of requests that have ended."""

from __future__ import annotations

import itertools

import pytest
from prometheus_client import CollectorRegistry

from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.metrics.counters import RequestCounters
from tests.doubles.records import served, unrouted

COUNTED = {"pool": "sd", "lane": "counted"}
UNROUTED = {"pool": "none", "lane": "none"}


class Counted:
    """The counters, and what a scrape would show of them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.counters = RequestCounters()
        self.registry.register(self.counters)

    def shows(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def counted() -> Counted:
    return Counted()


def test_a_request_served_is_counted_with_its_times_and_bytes(counted: Counted) -> None:
    counted.counters.observe(served(waited=0.5, service=12.25, bytes_in=25, bytes_out=1000))
    counted.counters.observe(served(waited=0.0, service=7.75, bytes_in=0, bytes_out=500))

    assert counted.shows("gateway_requests_total", **COUNTED, outcome="served", code="--", status="2xx") == 2
    assert counted.shows("gateway_wait_seconds_count", **COUNTED) == 2
    assert counted.shows("gateway_wait_seconds_sum", **COUNTED) == 0.5
    assert counted.shows("gateway_wait_seconds_bucket", **COUNTED, le="0.01") == 1
    assert counted.shows("gateway_service_seconds_sum", **COUNTED) == 20
    assert counted.shows("gateway_request_bytes_total", **COUNTED) == 25
    assert counted.shows("gateway_response_bytes_total", **COUNTED) == 1500
    assert counted.shows("gateway_retries_total", **COUNTED) == 0


def test_what_was_refused_on_the_spot_does_not_flatter_the_wait(counted: Counted) -> None:
    counted.counters.observe(served(turns=0, waited=0.0, service=None, status=503, ending=Ending.REFUSED))

    assert counted.shows("gateway_requests_total", **COUNTED, outcome="refused", code="PQ", status="5xx") == 1
    assert counted.shows("gateway_wait_seconds_count", **COUNTED) == 0
    assert counted.shows("gateway_service_seconds_count", **COUNTED) == 0


def test_one_that_left_the_line_counts_with_the_time_it_waited(counted: Counted) -> None:
    counted.counters.observe(served(turns=0, waited=30.0, service=None, status=499, ending=Ending.CLIENT_LEFT_WAITING))

    assert counted.shows("gateway_requests_total", **COUNTED, outcome="client_gone", code="CQ", status="4xx") == 1
    assert counted.shows("gateway_wait_seconds_sum", **COUNTED) == 30


def test_the_longest_job_has_a_bucket_of_its_own(counted: Counted) -> None:
    counted.counters.observe(served(service=850.0))

    assert counted.shows("gateway_service_seconds_bucket", **COUNTED, le="600.0") == 0
    assert counted.shows("gateway_service_seconds_bucket", **COUNTED, le="900.0") == 1


def test_turns_beyond_the_first_are_retries(counted: Counted) -> None:
    counted.counters.observe(served(turns=3))

    assert counted.shows("gateway_retries_total", **COUNTED) == 2


def test_an_unrouted_request_is_counted_under_none(counted: Counted) -> None:
    counted.counters.observe(unrouted())

    assert counted.shows("gateway_requests_total", **UNROUTED, outcome="refused", code="PR", status="4xx") == 1


def test_every_ending_on_every_lane_is_counted_once(counted: Counted) -> None:
    for lane, ending in itertools.product(Lane, Ending):
        counted.counters.observe(served(lane=lane, ending=ending))

        labels = {"pool": "sd", "lane": lane.value, "outcome": ending.outcome.value, "code": ending.value}
        labels["status"] = "2xx"
        assert counted.shows("gateway_requests_total", **labels) == 1


def test_a_record_without_an_ending_is_not_lost(counted: Counted) -> None:
    counted.counters.observe(served(ending=None, status=None))

    assert counted.shows("gateway_requests_total", **COUNTED, outcome="refused", code="IH", status="none") == 1


def test_cookies_are_counted_by_what_was_found(counted: Counted) -> None:
    for verdict in ("valid", "invalid", "valid"):
        counted.counters.session_cookie("sd", verdict)

    assert counted.shows("gateway_session_cookies_total", pool="sd", verdict="valid") == 2
    assert counted.shows("gateway_session_cookies_total", pool="sd", verdict="invalid") == 1


def test_the_series_of_a_pool_exist_at_0_before_anything_has_happened(counted: Counted) -> None:
    counted.counters = RequestCounters(["valid", "invalid"])
    counted.registry = CollectorRegistry()
    counted.registry.register(counted.counters)
    counted.counters.begin("sd")

    for ending in Ending:
        labels = {"outcome": ending.outcome.value, "code": ending.value}
        assert {
            sample.value
            for family in counted.registry.collect()
            for sample in family.samples
            if sample.labels.items() >= {**COUNTED, **labels}.items()
        } == {0}
    for status in ("2xx", "3xx", "4xx", "5xx"):
        assert counted.shows("gateway_requests_total", **COUNTED, outcome="served", code="--", status=status) == 0
    assert counted.shows("gateway_requests_total", **UNROUTED, outcome="refused", code="PR", status="4xx") == 0
    assert counted.shows("gateway_wait_seconds_bucket", **COUNTED, le="900.0") == 0
    assert counted.shows("gateway_session_cookies_total", pool="sd", verdict="invalid") == 0


def test_a_pool_that_begins_again_goes_on_counting(counted: Counted) -> None:
    counted.counters.begin("sd")
    counted.counters.observe(served())
    counted.counters.begin("sd")

    assert counted.shows("gateway_requests_total", **COUNTED, outcome="served", code="--", status="2xx") == 1
