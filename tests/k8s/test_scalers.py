"""Scalers outside the gateway ask for figures that it tells, and scale what is there."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from prometheus_client import generate_latest

from gateway.metrics.collector import SnapshotCollector
from gateway.metrics.instruments import new_registry
from gateway.ops.scaling_view import scaling_of
from tests.doubles.views import pool_view
from tests.k8s.rendered import K8S, Manifest, configuration, named, of_kind

KEDA, KEDA_PROMETHEUS, HPA, DEPLOYMENT = (
    f"overlays/{each}" for each in ("keda", "keda-prometheus", "hpa", "deployment")
)


def pool_of(kustomization: str) -> str:
    [name] = configuration(kustomization)["pools"]
    return str(name)


def trigger(kustomization: str) -> Manifest:
    [scaled] = of_kind(kustomization, "ScaledObject")
    [only] = scaled["spec"]["triggers"]
    asked: Manifest = only
    return asked


def demand_series(pool: str) -> str:
    registry = new_registry()
    registry.register(SnapshotCollector(lambda: [pool_view(pool, demand=3)], dict))
    [line] = [line for line in generate_latest(registry).decode().splitlines() if line.startswith("gateway_demand")]
    return line


@pytest.mark.parametrize("kustomization", [KEDA, KEDA_PROMETHEUS, HPA])
def test_they_scale_the_deployment_that_is_there_and_whose_number_nobody_else_says(kustomization: str) -> None:
    [scaler] = of_kind(kustomization, "ScaledObject") or of_kind(kustomization, "HorizontalPodAutoscaler")
    target = named(kustomization, "Deployment", scaler["spec"]["scaleTargetRef"]["name"])

    assert "replicas" not in target["spec"]


def test_keda_asks_the_operators_port_for_a_number_that_it_finds() -> None:
    asked = trigger(KEDA)["metadata"]
    url = urlsplit(asked["url"])
    service = named(KEDA, "Service", "gateway-operators", "v1")
    value: Any = {"pools": scaling_of([pool_view(pool_of(KEDA), demand=3)], {})}
    for key in asked["valueLocation"].split("."):
        value = value[key]

    assert value == 3
    assert url.hostname == f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc"
    assert [url.port] == [port["port"] for port in service["spec"]["ports"]]
    assert url.path == "/api/scaling"


def test_keda_by_prometheus_asks_for_a_series_that_there_is() -> None:
    assert trigger(KEDA_PROMETHEUS)["type"] == "prometheus"
    query = trigger(KEDA_PROMETHEUS)["metadata"]["query"]
    name, _, rest = demand_series(pool_of(KEDA_PROMETHEUS)).partition("{")
    labels, _, _value = rest.partition("}")

    assert f"{name}{{" in query
    assert f"{labels}}}" in query


def test_the_hpa_asks_for_what_the_adapter_passes_on() -> None:
    [scaler] = of_kind(HPA, "HorizontalPodAutoscaler")
    [metric] = scaler["spec"]["metrics"]
    asked = metric["external"]["metric"]
    [rule] = yaml.safe_load((K8S / HPA / "adapter-rules.yaml").read_text())["externalRules"]

    assert rule["seriesQuery"].startswith(f"{asked['name']}{{")
    assert asked["selector"]["matchLabels"] == {"pool": pool_of(HPA)}
    assert demand_series(pool_of(HPA)).startswith(f"{asked['name']}{{")


@pytest.mark.parametrize("kustomization", [KEDA, KEDA_PROMETHEUS, HPA, DEPLOYMENT])
def test_the_gateway_watches_the_pods_that_are_scaled(kustomization: str) -> None:
    service = named(kustomization, "Service", "stable-diffusion", "v1")["spec"]
    template = named(kustomization, "Deployment", "stable-diffusion")["spec"]["template"]
    [container] = template["spec"]["containers"]

    assert service["selector"] == template["metadata"]["labels"]
    assert service["clusterIP"] == "None"
    assert {port["targetPort"] for port in service["ports"]} == {port["name"] for port in container["ports"]}


def test_our_own_scaler_has_the_right_to_that_deployment() -> None:
    [pool] = configuration(DEPLOYMENT)["pools"].values()
    [rule] = named(DEPLOYMENT, "Role", "gateway-scales")["rules"]

    assert rule["resourceNames"] == [pool["scaling"]["kubernetes"]["deployment"]]
    assert "replicas" not in named(DEPLOYMENT, "Deployment", rule["resourceNames"][0])["spec"]
