"""Who reaches whom: the gateway is reached by few, and the pods by the gateway."""

from __future__ import annotations

from typing import Any

import pytest

from tests.k8s.rendered import KUSTOMIZATIONS, Manifest, named, of_kind, with_gateway

GATEWAY = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "gateway"}}}
WITH_PODS = ("overlays/deployment", "overlays/hpa", "overlays/keda", "overlays/keda-prometheus")


def let_in(policy: Manifest) -> dict[Any, list[Manifest]]:
    """By port, who may come. A rule without `from` would let in everybody, and fails here."""
    return {port["port"]: rule["from"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}


def namespaces(peers: list[Manifest]) -> set[str]:
    return {
        name
        for peer in peers
        for name in (
            *peer["namespaceSelector"].get("matchLabels", {}).values(),
            *(name for each in peer["namespaceSelector"].get("matchExpressions", ()) for name in each["values"]),
        )
    }


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
def test_every_policy_is_one_of_ingress(kustomization: str) -> None:
    for policy in of_kind(kustomization, "NetworkPolicy"):
        assert policy["spec"]["policyTypes"] == ["Ingress"]
        assert all(rule["ports"] and rule["from"] for rule in policy["spec"]["ingress"])


@pytest.mark.parametrize("kustomization", with_gateway())
def test_the_gateway_is_reached_by_ingress_and_prometheus(kustomization: str) -> None:
    doors = let_in(named(kustomization, "NetworkPolicy", "gateway"))

    assert doors.keys() == {"http", "ops"}
    assert "kourier-system" in namespaces(doors["http"])
    assert namespaces(doors["ops"]) == {"monitoring"}


@pytest.mark.parametrize("kustomization", WITH_PODS)
def test_pods_are_reached_by_the_gateway_alone(kustomization: str) -> None:
    policy = named(kustomization, "NetworkPolicy", "stable-diffusion")
    labels = named(kustomization, "Deployment", "stable-diffusion")["spec"]["template"]["metadata"]["labels"]

    assert policy["spec"]["podSelector"]["matchLabels"] == labels
    assert let_in(policy) == {"http": [GATEWAY]}


def test_knatives_pods_are_reached_by_the_gateway_and_the_autoscaler() -> None:
    policy = named("overlays/knative", "NetworkPolicy", "stable-diffusion")
    service = named("overlays/knative", "Service", "stable-diffusion", "serving.knative.dev")
    [user_port] = [port["containerPort"] for port in service["spec"]["template"]["spec"]["containers"][0]["ports"]]

    assert policy["spec"]["podSelector"]["matchLabels"] == {"serving.knative.dev/service": "stable-diffusion"}
    doors = let_in(policy)
    assert doors.pop(9090)[0]["podSelector"]["matchLabels"] == {"app": "autoscaler"}
    assert doors == {8012: [GATEWAY], user_port: [GATEWAY]}


def test_keda_comes_in_only_where_it_asks() -> None:
    doors = let_in(named("overlays/keda", "NetworkPolicy", "gateway-from-keda"))

    assert namespaces(doors["ops"]) == {"keda"}
    assert (
        len(of_kind("overlays/keda-prometheus", "NetworkPolicy")) == len(of_kind("overlays/keda", "NetworkPolicy")) - 1
    )
