"""In front of a Service of Kubernetes without Knative: its pods are found, and a Deployment is scaled from zero."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gateway.demo.knative.serving import served
from gateway.demo.kube_api.store import Kind
from tests.doubles.cluster import a_cluster, endpoint
from tests.doubles.container import Container
from tests.doubles.eventually import eventually
from tests.system.running_gateway import configuration, running_gateway

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.demo.kube_api.serving import Serving

pytestmark = pytest.mark.anyio

DEPLOYMENTS = Kind("apps/v1", "deployments")
PODS = Kind("v1", "pods")
COST = "controller.kubernetes.io/pod-deletion-cost"


def kubeconfig(directory: Path, serving: Serving) -> dict[str, Any]:
    """A file that leads there, and the section that names it."""
    file = directory / "kubeconfig"
    file.write_text(
        f"""
current-context: it
contexts: [{{name: it, context: {{cluster: it, user: us}}}}]
clusters: [{{name: it, cluster: {{server: {serving.url}}}}}]
users: [{{name: us, user: {{token: ours}}}}]
"""
    )
    return {"kubeconfig": str(file)}


async def test_a_deployment_is_scaled_up_and_down_and_pods_at_work_are_dear(tmp_path: Path) -> None:
    pool = {
        "backends": {"kubernetes": {"namespace": "default", "service": "sd"}},
        "scaling": {"kubernetes": {"deployment": "sd"}},
        "autoscaling": {"window": 6},
        "readiness": {"tcp": True},
    }
    async with a_cluster() as cluster, AsyncExitStack() as pods:
        store = cluster.api.store
        store.put("deployments", {"apiVersion": "apps/v1", "metadata": {"name": "sd"}, "spec": {"replicas": 0}})
        store.put("pods", {"apiVersion": "v1", "metadata": {"name": "pod-one", "uid": "one"}})

        def replicas() -> int:
            return int(store.get(DEPLOYMENTS, "sd")["spec"]["replicas"])

        def cost() -> int:
            return int(store.get(PODS, "pod-one")["metadata"].get("annotations", {}).get(COST, 0))

        config = configuration(pool, kubernetes=kubeconfig(tmp_path, cluster.serving))
        async with running_gateway(tmp_path, config) as gateway, httpx.AsyncClient(timeout=30) as client:
            container = Container()
            asked = asyncio.ensure_future(client.post(gateway.url))
            await eventually(lambda: replicas() == 1)
            address = await pods.enter_async_context(served(container))
            cluster.put_slice("sd-1", endpoint("one", "127.0.0.1"), port=int(address.rpartition(":")[2]))
            await container.came(1)
            await eventually(lambda: cost() >= 1_000_000, within=15)
            container.finish()
            assert (await asked).status_code == 200
            await eventually(lambda: replicas() == 0, within=15)


async def test_a_pod_that_kubernetes_calls_not_ready_gets_nothing_though_its_port_is_open(tmp_path: Path) -> None:
    pool = {"backends": {"kubernetes": {"namespace": "default", "service": "sd"}}, "readiness": {"tcp": True}}
    async with a_cluster() as cluster, AsyncExitStack() as pods:
        loading, loaded = Container(), Container()
        for name, container, ready in (("loading", loading, False), ("loaded", loaded, True)):
            address = await pods.enter_async_context(served(container))
            it = endpoint(name, "127.0.0.1", ready=ready)
            cluster.put_slice(name, it, port=int(address.rpartition(":")[2]))
        config = configuration(pool, kubernetes=kubeconfig(tmp_path, cluster.serving))
        async with running_gateway(tmp_path, config) as gateway, httpx.AsyncClient(timeout=30) as client:
            asked = [asyncio.ensure_future(client.post(gateway.url)) for _ in range(3)]
            for number in (1, 2, 3):
                await loaded.came(number)
                loaded.finish()
            assert [(await each).status_code for each in asked] == [200] * 3
        assert loading.seen == []
