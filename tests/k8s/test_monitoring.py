"""Prometheus finds the gateway, and alerts speak of series that it has. Whether they fire is shown by promtool, in
tests/system/test_alerts.py."""

from __future__ import annotations

import re

from tests.k8s.rendered import named, of_kind
from tests.system.test_promtool import everything

OVERLAY = "overlays/monitoring"
#: Told where there is a link to Knative's autoscaler.
OF_THE_LINK = "gateway_autoscaler_link_up"


def series() -> set[str]:
    samples = [line for line in everything().decode().splitlines() if not line.startswith("#")]
    return {re.split(r"[{ ]", line, maxsplit=1)[0] for line in samples}


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


def test_alerts_speak_of_series_that_there_are() -> None:
    [rules] = of_kind(OVERLAY, "PrometheusRule")
    spoken = {
        name
        for group in rules["spec"]["groups"]
        for rule in group["rules"]
        for name in re.findall(r"\bgateway_\w+", rule["expr"])
    }

    assert spoken - series() == {OF_THE_LINK}
    assert 'job="gateway-operators"' in str(rules)  # a ServiceMonitor's targets bear their Service's name
