"""Checks that what the file says of a cluster, its Services and its autoscaler fits together. Reads
nothing, asks no cluster, and repeats no value.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from gateway.settings.checks import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.settings.file import Location
    from gateway.settings.model import KnativeSettings, KubernetesServiceSettings, PoolSettings, Settings

#: Backends that have a scaler already.
_SCALED_BY = {
    "knative": ": Knative's autoscaler scales its own pods",
    "processes": ": the gateway itself scales processes",
}


def check_cluster(settings: Settings) -> Iterator[Finding]:
    """Every setting of clusters that does not fit."""
    if settings.kubernetes.context is not None and settings.kubernetes.kubeconfig is None:
        yield Finding(("kubernetes", "context"), "none: a context is one of kubernetes.kubeconfig, which is not set")
    for name, pool in settings.pools.items():
        yield from _accounting(("pools", name), pool)
        yield from _scaling(("pools", name), pool)
    for (first, one), (second, other) in combinations(settings.pools.items(), 2):
        yield from _pair(first, one, ("pools", second), other)
    yield from _autoscalers(settings)


def _accounting(at: Location, pool: PoolSettings) -> Iterator[Finding]:
    """Only what the file says itself: the annotation and the config map are known when the cluster is asked."""
    knative, written = pool.backends.knative, pool.autoscaling.model_fields_set
    always_in_path = "target_burst_capacity" in written and pool.autoscaling.target_burst_capacity == -1
    if knative is not None and knative.accounting == "waiting" and always_in_path:
        capacity: Location = (*at, "autoscaling", "target_burst_capacity")
        yield Finding(
            (*at, "backends", "knative", "accounting"),
            "auto or proxied beside autoscaling.target_burst_capacity -1: nobody scrapes the pods then",
            against=(capacity,),
        )


def _scaling(at: Location, pool: PoolSettings) -> Iterator[Finding]:
    if pool.scaling.kubernetes is None:
        return
    if pool.backends.kubernetes is None:
        why = next((why for kind, why in _SCALED_BY.items() if getattr(pool.backends, kind) is not None), "")
        yield Finding((*at, "scaling", "kubernetes"), f"nothing, or backends.kubernetes beside it{why}")
    if pool.autoscaling.metric != "concurrency":
        expected = "concurrency: in this version Deployments are scaled by nothing else"
        yield Finding((*at, "autoscaling", "metric"), expected, against=((*at, "scaling", "kubernetes"),))


def _pair(first: str, one: PoolSettings, at_other: Location, other: PoolSettings) -> Iterator[Finding]:
    """One Service in two pools: each would give its pods work of its own."""
    if not (one.concurrency or other.concurrency):
        return
    for kind in ("kubernetes", "knative"):
        its, others = getattr(one.backends, kind), getattr(other.backends, kind)
        if its is not None and others is not None and _service(its) == _service(others):
            expected = f"a Service that pools.{first} does not have: each pool would give its pods work of its own"
            yield Finding((*at_other, "backends", kind, "service"), expected)


def _autoscalers(settings: Settings) -> Iterator[Finding]:
    """A cluster has one, and there is one cluster."""
    pools = {name: pool.backends.knative for name, pool in settings.pools.items() if pool.backends.knative is not None}
    for name, knative in pools.items():
        first = next(iter(pools))
        if knative.autoscaler != pools[first].autoscaler:
            yield Finding(("pools", name, "backends", "knative", "autoscaler"), f"that of pools.{first}: there is one")


def _service(backends: KubernetesServiceSettings | KnativeSettings) -> tuple[str, str]:
    return backends.namespace, backends.service
