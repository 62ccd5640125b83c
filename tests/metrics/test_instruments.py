"""What is counted as it happens."""

from __future__ import annotations

import pytest

from gateway.metrics.counters import NONE
from gateway.metrics.instruments import Instruments, new_registry
from tests.doubles.records import served


class Counted:
    """The instruments, and what a scrape would show of them."""

    def __init__(self) -> None:
        self.registry = new_registry()
        self.instruments = Instruments(self.registry)

    def shows(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def counted() -> Counted:
    return Counted()


def test_other_happenings_have_their_own_counters(counted: Counted) -> None:
    counted.instruments.cold_start("sd", 42.0)
    counted.instruments.session_cookie("sd", "invalid")
    counted.instruments.protocol_refused("header_too_large")
    counted.instruments.lines_dropped(7)
    counted.instruments.events_dropped(8)

    assert counted.shows("gateway_cold_start_seconds_sum", pool="sd") == 42
    assert counted.shows("gateway_session_cookies_total", pool="sd", verdict="invalid") == 1
    assert counted.shows("gateway_protocol_refused_total", reason="header_too_large") == 1
    assert counted.shows("gateway_access_lines_dropped_total") == 7
    assert counted.shows("gateway_event_lines_dropped_total") == 8


def test_the_process_is_in_the_registry_and_the_registry_is_nobody_elses(counted: Counted) -> None:
    assert counted.shows("process_resident_memory_bytes")
    assert Counted().shows("gateway_access_lines_dropped_total") == 0


def test_the_series_of_a_pool_that_is_no_more_end(counted: Counted) -> None:
    for pool in ("sd", "other"):
        counted.instruments.observe(served(pool=pool))
        counted.instruments.session_cookie(pool, "valid")
    counted.instruments.forget("sd")
    left = {
        sample.labels["pool"]
        for family in counted.registry.collect()
        for sample in family.samples
        if "pool" in sample.labels
    }
    assert left == {"other", NONE}


def test_what_can_be_counted_is_there_at_0_from_the_start() -> None:
    counted = Counted()
    counted.registry = new_registry()
    counted.instruments = Instruments(counted.registry, refusals=["malformed"])
    counted.instruments.begin("sd")

    assert counted.shows("gateway_protocol_refused_total", reason="malformed") == 0
    assert counted.shows("gateway_cold_start_seconds_count", pool="sd") == 0
