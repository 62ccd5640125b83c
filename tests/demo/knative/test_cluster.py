"""The pretended cluster: what it shows in its API while pods come and go."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from gateway.demo.knative import objects
from gateway.demo.knative.cluster import KnativeCluster, knative_cluster
from tests.doubles.container import Container
from tests.doubles.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def a_cluster() -> AsyncIterator[KnativeCluster]:
    """With a revision that has no pods."""
    async with anyio.create_task_group() as tasks:
        async with knative_cluster(tasks, Container, boot=0.01) as cluster:
            cluster.put_revision("a")
            yield cluster
        tasks.cancel_scope.cancel()


def listed(cluster: KnativeCluster) -> list[dict[str, Any]]:
    """The endpoints in its slice."""
    endpoints: list[dict[str, Any]] = cluster.api.store.get(objects.SLICES, "a-private-1")["endpoints"]
    return endpoints


def conditions(cluster: KnativeCluster) -> list[str]:
    return [" ".join(name for name, holds in each["conditions"].items() if holds) for each in listed(cluster)]


async def test_a_pod_boots_serves_ends_and_leaves_its_address_to_the_next() -> None:
    async with a_cluster() as cluster:
        cluster.scale("a", 1)
        await eventually(lambda: conditions(cluster) == ["ready serving"])
        (before,) = listed(cluster)
        (pod,) = cluster.pods("a")
        assert isinstance(pod.container, Container)
        async with httpx.AsyncClient(trust_env=False) as client, anyio.create_task_group() as tasks:
            address = f"http://{pod.host}:{cluster.api.store.get(objects.SLICES, 'a-private-1')['ports'][0]['port']}"
            tasks.start_soon(client.post, address)
            await pod.container.came(1)
            cluster.scale("a", 0)
            assert conditions(cluster) == ["serving terminating"]
            cluster.scale("a", 1)
            pod.container.finish()
        await eventually(lambda: cluster.pods("a") == cluster.working("a"))
        cluster.scale("a", 2)
        await eventually(lambda: conditions(cluster) == ["ready serving"] * 2)
        after = listed(cluster)[1]
        assert after["addresses"] == before["addresses"]
        assert after["targetRef"]["uid"] != before["targetRef"]["uid"]


async def test_the_cheapest_to_lose_ends_first() -> None:
    async with a_cluster() as cluster:
        cluster.scale("a", 2)
        await eventually(lambda: conditions(cluster) == ["ready serving"] * 2)
        dear, cheap = cluster.pods("a")
        annotations = {"controller.kubernetes.io/pod-deletion-cost": "7"}
        cluster.api.store.patch(objects.PODS, dear.name, {"metadata": {"annotations": annotations}})
        cluster.scale("a", 1)
        assert cluster.working("a") == [dear]
        assert cheap.terminating


async def test_a_pod_that_ends_is_stopped_so_long_after_the_last_arrival_whatever_it_works_on() -> None:
    async with a_cluster() as cluster:
        cluster.drain_quiet = 0.3
        cluster.scale("a", 1)
        await eventually(lambda: conditions(cluster) == ["ready serving"])
        (pod,) = cluster.pods("a")
        assert isinstance(pod.container, Container)
        async with httpx.AsyncClient(trust_env=False) as client, anyio.create_task_group() as tasks:
            address = f"http://{pod.host}:{cluster.api.store.get(objects.SLICES, 'a-private-1')['ports'][0]['port']}"
            answers: list[int] = []

            async def ask() -> None:
                answers.append((await client.post(address)).status_code)

            tasks.start_soon(ask)
            await pod.container.came(1)
            cluster.scale("a", 0)
            await eventually(lambda: cluster.pods("a") == [])
        assert answers == [502], "its container was stopped in the middle"
