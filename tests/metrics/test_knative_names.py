"""Knative's names, as dashboards made for Knative ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from gateway.core.views.record import RequestRecord
from gateway.metrics.knative_names import KnativeNamesCollector, RevisionNames
from tests.doubles.views import backend_view, line_view, pool_view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client import Metric

NAMES = RevisionNames("default", "stable-diffusion", "stable-diffusion", "stable-diffusion-00001")
OLD = {
    "configuration_name": "stable-diffusion",
    "container_name": "activator",
    "namespace_name": "default",
    "pod_name": "gw-0",
    "revision_name": "stable-diffusion-00001",
    "service_name": "stable-diffusion",
}
SHORT = {"kn_revision_name": "stable-diffusion-00001", "k8s_namespace_name": "default"}
NEW = {**SHORT, "kn_service_name": "stable-diffusion", "kn_configuration_name": "stable-diffusion"}

BUSY = pool_view(
    "sd", in_flight=2, backends=(backend_view("a", exempt=1),), line=line_view(waiting=3, waiting_exempt=4)
)


def collector() -> KnativeNamesCollector:
    """Of two pools, one of them Knative's."""
    return KnativeNamesCollector(lambda: [BUSY, pool_view("other", in_flight=9)], lambda: {"sd": NAMES}, "gw-0")


def registry(of: KnativeNamesCollector) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(of)
    return registry


def ended(status: int | None, pool: str | None = "sd") -> RequestRecord:
    return RequestRecord("id", "192.0.2.1", "GET", b"/", "host", pool=pool, status=status)


def test_what_is_here_by_its_old_name_and_its_new_ones() -> None:
    shows = registry(collector()).get_sample_value
    assert shows("activator_request_concurrency", OLD) == 10
    assert shows("kn_revision_request_concurrency", NEW) == 10
    assert shows("kn_revision_request_queued", SHORT) == 7
    assert shows("kn_revision_request_active", SHORT) == 3


def test_requests_by_code_and_class() -> None:
    counting = collector()
    for record in (ended(200), ended(200), ended(499), ended(503), ended(None), ended(404, None), ended(200, "other")):
        counting.observe(record)
    families = {family.name: family for family in registry(counting).collect()}
    counts = {
        (sample.labels["response_code"], sample.labels["response_code_class"]): sample.value
        for sample in families["activator_request_count"].samples
        if OLD.items() <= sample.labels.items()
    }
    assert counts == {("200", "2xx"): 2, ("499", "4xx"): 1, ("503", "5xx"): 1}
    assert len(families["activator_request_count"].samples) == 3
    counting.forget("sd")
    assert [family.samples for family in registry(counting).collect() if family.name == "activator_request_count"] == [
        []
    ]


@pytest.mark.parametrize(
    ("accept", "parse"),
    [("text/plain", parse_text), ("application/openmetrics-text; version=1.0.0", parse_openmetrics)],
)
def test_both_expositions_show_exactly_these_names_untyped(
    accept: str, parse: Callable[[str], Iterable[Metric]]
) -> None:
    counting = collector()
    counting.observe(ended(200))
    encode, _ = choose_encoder(accept)
    families = list(parse(encode(registry(counting)).decode()))
    assert {sample.name for family in families for sample in family.samples} == {
        "activator_request_concurrency",
        "activator_request_count",
        "kn_revision_request_concurrency",
        "kn_revision_request_queued",
        "kn_revision_request_active",
    }
    assert {family.type for family in families} == {"unknown"}
