"""Prometheus finds the gateway, and alerts speak of series that it has. Whether they fire is shown by promtool, in
tests/system/test_alerts.py."""

from __future__ import annotations

from tests.doubles.exposition import labels_of_samples
from tests.k8s.promql import selected_by
from tests.k8s.rendered import named, of_kind

OVERLAY = "overlays/monitoring"
#: What Prometheus itself says of each scrape.
UP = "up"


def test_prometheus_finds_the_operators_port() -> None:
    [monitor] = of_kind(OVERLAY, "ServiceMonitor")
    service = named("overlays/knative", "Service", "gateway-operators", "v1")
    traffic = named("overlays/knative", "Service", "gateway", "v1")
    selector = monitor["spec"]["selector"]["matchLabels"]
    [endpoint] = monitor["spec"]["endpoints"]

    assert monitor["metadata"]["namespace"] == service["metadata"]["namespace"]
    assert selector.items() <= service["metadata"]["labels"].items()
    assert not selector.items() <= traffic["metadata"]["labels"].items()
    assert [port["name"] for port in service["spec"]["ports"]] == [endpoint["port"]]


def test_alerts_speak_of_series_that_there_are_by_labels_that_they_have() -> None:
    [rules] = of_kind(OVERLAY, "PrometheusRule")
    asked = [
        selector
        for group in rules["spec"]["groups"]
        for rule in group["rules"]
        for selector in selected_by(rule["expr"])
        if selector.name != UP
    ]
    there = labels_of_samples()

    assert [each for each in asked if not each.labels <= there.get(each.name, frozenset(("no such series",)))] == []
    assert [each.name for each in asked if each.name not in there] == []
    assert 'job="gateway-operators"' in str(rules)  # a ServiceMonitor's targets bear their Service's name
