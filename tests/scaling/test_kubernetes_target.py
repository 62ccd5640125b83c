"""From a desired number to `replicas`, against the stand-in for an API server."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import structlog

from gateway.demo.kube_api.store import Kind
from gateway.kubernetes.collection import Collection, Resource
from gateway.scaling.kubernetes_target import KubernetesTarget
from tests.doubles.cluster import Cluster, a_cluster, soon
from tests.doubles.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio
KIND = Kind("apps/v1", "deployments")
DEPLOYMENTS = Collection(Resource("apps", "v1", "deployments"), "default")


class Scaled:
    """A Deployment, and what drives it. Its pods exist as soon as they are wanted."""

    def __init__(self, cluster: Cluster, **settings: Any) -> None:
        self.cluster = cluster
        self.target = KubernetesTarget(cluster.client, DEPLOYMENTS, "sd", jitter=soon, **settings)

    def put(self, replicas: int, exist: int = 0) -> None:
        """Somebody creates it, or scales it by hand."""
        content = {"apiVersion": "apps/v1", "metadata": {"name": "sd"}, "spec": {"replicas": replicas}}
        self.cluster.api.store.put("deployments", {**content, "status": {"replicas": exist}})

    @property
    def replicas(self) -> int:
        """What is wanted of it now."""
        spec: dict[str, int] = self.cluster.api.store.get(KIND, "sd")["spec"]
        return spec["replicas"]

    @property
    def looks(self) -> int:
        return self.cluster.api.count("get", "deployments/scale")

    @property
    def changes(self) -> int:
        return self.cluster.api.count("patch", "deployments/scale")


@contextlib.asynccontextmanager
async def scaled(**settings: Any) -> AsyncIterator[Scaled]:
    async with a_cluster() as cluster, anyio.create_task_group() as tasks:
        scaled = Scaled(cluster, **settings)
        scaled.put(0)
        tasks.start_soon(scaled.target.run)
        yield scaled
        tasks.cancel_scope.cancel()


async def test_what_is_wanted_is_brought_about_once() -> None:
    async with scaled() as sd:
        for _ in range(3):
            sd.target.apply(3)
        await eventually(lambda: sd.replicas == 3)
        sd.target.apply(3)
        sd.target.apply(4)
        sd.target.apply(5)
        await eventually(lambda: sd.replicas == 5)
        assert sd.changes == 2, "what is wanted within a second is one change"


async def test_as_long_as_nothing_is_wanted_it_only_looks() -> None:
    async with scaled() as sd:
        sd.put(2, exist=1)
        await eventually(lambda: sd.target.pods == 1)
        assert (sd.changes, sd.replicas) == (0, 2)


async def test_pods_at_work_are_not_counted_out_and_costs_are_written_first() -> None:
    at_work, said = [2], []

    async def before() -> None:
        said.append(sd.replicas)

    async with scaled(at_work=lambda: at_work[0], before_scale_down=before) as sd:
        sd.target.apply(5)
        await eventually(lambda: sd.replicas == 5)
        assert said == []
        sd.target.apply(1)
        await eventually(lambda: sd.replicas == 2)
        assert said == [5]
        at_work[0] = 9
        sd.target.apply(0)
        looks = sd.looks
        await eventually(lambda: sd.looks > looks)
        assert sd.replicas == 2, "they keep the number up and do not raise it"


async def test_a_deployment_that_does_not_exist_yet_is_waited_for() -> None:
    async with scaled() as sd:
        sd.cluster.api.store.delete(KIND, "sd")
        sd.target.apply(2)
        await eventually(lambda: sd.target.error is not None)
        sd.put(0)
        await eventually(lambda: sd.replicas == 2)
        await eventually(lambda: sd.target.error is None)


async def test_a_missing_right_is_said_once_and_tried_again() -> None:
    with structlog.testing.capture_logs() as logs:
        async with scaled() as sd:
            sd.cluster.api.faults.refuse("patch", "deployments/scale", 403)
            sd.target.apply(2)
            await eventually(lambda: sd.changes > 2)
            sd.cluster.api.faults.allow("patch", "deployments/scale")
            await eventually(lambda: sd.target.error is None)
    said = [line["missing_right"] for line in logs if line["event"] == "scaling_fails"]
    assert said == ["patch deployments.apps/scale"]
    assert [line["event"] for line in logs][-1] == "scaling_works_again"


@pytest.mark.parametrize("status", [409, 429, 500])
async def test_whatever_goes_wrong_for_a_moment_is_tried_again(status: int) -> None:
    async with scaled() as sd:
        sd.cluster.api.faults.refuse("patch", "deployments/scale", status)
        sd.target.apply(2)
        await eventually(lambda: sd.changes > 1)
        sd.cluster.api.faults.allow("patch", "deployments/scale")
        await eventually(lambda: sd.replicas == 2)


async def test_what_is_wanted_during_an_outage_is_done_after_it() -> None:
    async with scaled() as sd:
        await sd.cluster.serving.stop()
        sd.target.apply(2)
        await eventually(lambda: sd.target.error is not None)
        sd.target.apply(4)
        await sd.cluster.serving.start()
        await eventually(lambda: sd.replicas == 4)
