"""What is said of a cluster, each right and together wrong or doubtful."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.settings.cluster_checks import check_cluster
from gateway.settings.file import dotted
from gateway.settings.model import Settings

KNATIVE = {"namespace": "default", "service": "sd"}
KUBERNETES = {"kubernetes": {"namespace": "default", "service": "sd"}}


def settings(*pools: dict[str, Any], **sections: Any) -> Settings:
    return Settings.model_validate({"pools": dict(zip("abc", pools, strict=False))} | sections)


def findings(*pools: dict[str, Any], **sections: Any) -> list[str]:
    return [f"{dotted(found.at)}: {found.expected}" for found in check_cluster(settings(*pools, **sections))]


def of_knative(knative: dict[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
    return {"backends": {"knative": KNATIVE | (knative or {})}} | keys


def test_what_fits_has_no_findings() -> None:
    assert findings(of_knative()) == findings({"backends": KUBERNETES}) == []
    assert findings({"backends": KUBERNETES, "scaling": {"kubernetes": {"deployment": "sd"}}}) == []
    assert findings(kubernetes={"kubeconfig": "config", "context": "kind"}) == []


def test_a_context_without_a_kubeconfig() -> None:
    assert findings(kubernetes={"context": "kind"}) == [
        "kubernetes.context: none: a context is one of kubernetes.kubeconfig, which is not set"
    ]


def test_waiting_beside_minus_one_names_both() -> None:
    waiting, in_path = {"accounting": "waiting"}, {"target_burst_capacity": -1}
    assert findings(of_knative(waiting, autoscaling=in_path)) == [
        "pools.a.backends.knative.accounting: auto or proxied beside autoscaling.target_burst_capacity -1: nobody "
        "scrapes the pods then"
    ]
    assert findings(of_knative(waiting)) == [], "-1 is only our default: what the cluster says is asked later"
    assert findings(of_knative(waiting, autoscaling={"target_burst_capacity": 0})) == []
    assert findings(of_knative({"accounting": "proxied"}, autoscaling=in_path)) == []


@pytest.mark.parametrize(
    ("backends", "why"),
    [
        ({"knative": KNATIVE}, ": Knative's autoscaler scales its own pods"),
        ({"processes": {"command": ["x", "{port}"]}}, ": the gateway itself scales processes"),
        ({"static": ["a:1"]}, ""),
    ],
)
def test_a_deployment_is_scaled_where_its_pods_are_known(backends: dict[str, Any], why: str) -> None:
    scaling = {"kubernetes": {"deployment": "sd"}}
    assert findings({"backends": backends, "scaling": scaling}) == [
        f"pools.a.scaling.kubernetes: nothing, or backends.kubernetes beside it{why}"
    ]


def test_what_a_deployment_is_scaled_by() -> None:
    pool = {"backends": KUBERNETES, "scaling": {"kubernetes": {"deployment": "sd"}}, "autoscaling": {"metric": "rps"}}
    assert findings(pool) == [
        "pools.a.autoscaling.metric: concurrency: in this version Deployments are scaled by nothing else"
    ]
    assert findings(of_knative(autoscaling={"metric": "rps"})) == []


def test_one_service_in_two_pools() -> None:
    expected = "a Service that pools.a does not have: each pool would give its pods work of its own"
    assert findings(of_knative(), of_knative()) == [f"pools.b.backends.knative.service: {expected}"]
    other = {"kubernetes": KUBERNETES["kubernetes"] | {"port": "http"}}
    assert findings({"backends": KUBERNETES}, {"backends": other}) == [
        f"pools.b.backends.kubernetes.service: {expected}"
    ]
    assert findings(of_knative(), of_knative({"namespace": "other"}), {"backends": KUBERNETES}) == []
    assert findings(of_knative(concurrency=0), of_knative(concurrency=0)) == []


def test_pools_of_one_cluster_tell_one_autoscaler() -> None:
    other = of_knative({"service": "other", "autoscaler": "ws://elsewhere:8080"})
    assert findings(of_knative(), other) == ["pools.b.backends.knative.autoscaler: that of pools.a: there is one"]
