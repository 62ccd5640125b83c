"""What a scrape shows of pools as they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import DuplicateTimeseries

from gateway.core.records.counts import Counts
from gateway.metrics.collector import ScalerView, SnapshotCollector
from tests.doubles.views import backend_view, line_view, pool_view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client import Metric

    from gateway.core.views.snapshot import PoolView

CALM = ScalerView(desired=2, ready=1, stable=1.5, panic=2.0, in_panic=False, bound=None)


def scrape(*pools: PoolView, **scalers: ScalerView) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(SnapshotCollector(lambda: pools, lambda: scalers))
    return registry


def test_line_and_demand() -> None:
    line = line_view(waiting=3, waiting_exempt=1, uploading=2, bytes_held=4096, oldest=12.5, expected_wait=33.0)
    shows = scrape(pool_view(demand=4, in_flight=1, line=line)).get_sample_value

    sd = {"pool": "sd"}
    assert shows("gateway_in_flight_requests", sd) == 1
    assert shows("gateway_demand_requests", sd) == 4
    assert shows("gateway_waiting_requests", {**sd, "lane": "counted"}) == 3
    assert shows("gateway_waiting_requests", {**sd, "lane": "exempt"}) == 1
    assert shows("gateway_uploading_requests", sd) == 2
    assert shows("gateway_line_held_bytes", sd) == 4096
    assert shows("gateway_line_limit_requests", sd) == 1000
    assert shows("gateway_oldest_wait_seconds", sd) == 12.5
    assert shows("gateway_expected_wait_seconds", sd) == 33


def test_what_is_unknown_has_no_series() -> None:
    no_data = ScalerView(desired=0, ready=0, stable=None, panic=None, in_panic=False, bound=None)
    shows = scrape(pool_view(), sd=no_data).get_sample_value

    assert shows("gateway_expected_wait_seconds", {"pool": "sd"}) is None
    assert shows("gateway_autoscaler_stable_requests", {"pool": "sd"}) is None
    assert shows("gateway_autoscaler_desired_backends", {"pool": "sd"}) == 0


def test_slots_by_state_and_no_free_ones_told_where_there_is_no_limit() -> None:
    shows = scrape(
        pool_view("sd", free=1, in_flight=2, quarantined=1), pool_view("chat", free=-1, in_flight=9)
    ).get_sample_value

    assert shows("gateway_slots", {"pool": "sd", "state": "free"}) == 1
    assert shows("gateway_slots", {"pool": "sd", "state": "in_flight"}) == 2
    assert shows("gateway_slots", {"pool": "sd", "state": "quarantined"}) == 1
    assert shows("gateway_slots", {"pool": "chat", "state": "free"}) is None
    assert shows("gateway_slots", {"pool": "chat", "state": "in_flight"}) == 9


def test_backends_by_state_with_zeros_for_the_states_nobody_is_in() -> None:
    pods = (backend_view("a"), backend_view("b"), backend_view("c", state="draining"))
    shows = scrape(pool_view(backends=pods)).get_sample_value

    by_state = {
        state: shows("gateway_backends", {"pool": "sd", "state": state})
        for state in ("starting", "ready", "suspect", "ejected", "draining", "gone")
    }
    assert by_state == {"starting": 0, "ready": 2, "suspect": 0, "ejected": 0, "draining": 1, "gone": 0}


def test_a_backends_series_vanish_with_it() -> None:
    pools = [pool_view(backends=(backend_view("a", in_flight=1), backend_view("b", quarantined=1, sessions=4)))]
    registry = CollectorRegistry()
    registry.register(SnapshotCollector(lambda: pools, dict))
    assert registry.get_sample_value("gateway_backend_in_flight_requests", {"pool": "sd", "backend": "a"}) == 1
    assert registry.get_sample_value("gateway_backend_quarantined_slots", {"pool": "sd", "backend": "b"}) == 1
    assert registry.get_sample_value("gateway_backend_sessions_live", {"pool": "sd", "backend": "b"}) == 4

    pools[0] = pool_view(backends=(backend_view("b"),))
    assert registry.get_sample_value("gateway_backend_in_flight_requests", {"pool": "sd", "backend": "a"}) is None
    assert registry.get_sample_value("gateway_backend_in_flight_requests", {"pool": "sd", "backend": "b"}) == 0


def test_a_pod_and_its_successor_of_the_same_name_share_one_series() -> None:
    old = backend_view("web-0", identity="uid-1", state="draining", in_flight=1)
    new = backend_view("web-0", identity="uid-2", in_flight=1)
    families = scrape(pool_view(backends=(old, new))).collect()

    samples = [s for family in families for s in family.samples if s.name == "gateway_backend_in_flight_requests"]
    assert [(s.labels["backend"], s.value) for s in samples] == [("web-0", 2)]


def test_a_pools_own_counts_are_counters() -> None:
    counts = Counts(
        affinity_hits=1,
        affinity_spills=2,
        affinity_moves=3,
        give_backs=4,
        quarantines=5,
        quarantines_expired=6,
        cold_starts=7,
        starts_failed=8,
        exclusivity_broken=9,
        order_broken=10,
        model_switches=11,
    )
    shows = scrape(pool_view(counts=counts)).get_sample_value

    words = "affinity_hits affinity_spills affinity_moves give_backs quarantines quarantine_expired"
    words += " cold_starts starts_failed exclusivity_broken order_broken model_switches"
    assert [shows(f"gateway_{word}_total", {"pool": "sd"}) for word in words.split()] == list(range(1, 12))


def test_the_scalers_view_names_the_bound_in_force() -> None:
    held = ScalerView(desired=2, ready=2, stable=4.0, panic=5.0, in_panic=True, bound="gpus")
    shows = scrape(pool_view("sd"), pool_view("chat"), sd=held, chat=CALM).get_sample_value

    assert shows("gateway_autoscaler_desired_backends", {"pool": "sd"}) == 2
    assert shows("gateway_autoscaler_stable_requests", {"pool": "sd"}) == 4
    assert shows("gateway_autoscaler_panic_requests", {"pool": "sd"}) == 5
    assert shows("gateway_autoscaler_panicking", {"pool": "sd"}) == 1
    assert shows("gateway_autoscaler_panicking", {"pool": "chat"}) == 0
    assert shows("gateway_autoscaler_bound", {"pool": "sd", "bound": "gpus"}) == 1
    assert shows("gateway_autoscaler_bound", {"pool": "chat", "bound": "gpus"}) is None


@pytest.mark.parametrize(
    ("accept", "parse"),
    [("text/plain", parse_text), ("application/openmetrics-text; version=1.0.0", parse_openmetrics)],
)
def test_both_expositions_parse(accept: str, parse: Callable[[str], Iterable[Metric]]) -> None:
    encode, content_type = choose_encoder(accept)
    registry = scrape(pool_view("sd"), pool_view("chat", backends=()), sd=CALM)

    families = {family.name for family in parse(encode(registry).decode())}

    assert content_type.startswith(accept.split(";")[0])
    assert {"gateway_slots", "gateway_autoscaler_desired_backends"} <= families


def test_a_name_that_is_taken_is_refused() -> None:
    registry = scrape(pool_view())
    with pytest.raises(DuplicateTimeseries):
        registry.register(SnapshotCollector(list, dict))


def test_every_figure_is_finite() -> None:
    for family in scrape(pool_view("sd"), pool_view("chat", free=-1), sd=CALM).collect():
        assert all(math.isfinite(sample.value) for sample in family.samples), family.name
