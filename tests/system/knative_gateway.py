"""A gateway in front of a pretended cluster with Knative: its file, its clients, and the autoscaler at its simplest."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import httpx

from gateway.demo.knative.cluster import KnativeCluster, knative_cluster
from tests.doubles.container import Container
from tests.system.running_gateway import configuration, running_gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from anyio.abc import TaskGroup

    from gateway.demo.knative.wire import StatMessage
    from tests.system.running_gateway import RunningGateway

SERVICE = "sd"


@dataclass(frozen=True, slots=True)
class InCluster:
    """What a test holds in its hands. `client` has no cookies of its own; `containers` are in the order of start."""

    cluster: KnativeCluster
    gateway: RunningGateway
    client: httpx.AsyncClient
    containers: list[Container]
    tasks: TaskGroup

    def ask(self, path: str = "/", **options: Any) -> Asked:
        """A counted request, under way from now on."""
        asked = Asked()
        self.tasks.start_soon(asked.run, self.client, self.gateway.url + path, options)
        return asked

    async def ready(self, revision: str, count: int) -> list[dict[str, Any]]:
        """The revision's backends when so many of them are ready."""
        view = await self.gateway.until(
            lambda view: [each["state"] for each in view["backends"]].count("ready") == count, pool=pool_of(revision)
        )
        backends: list[dict[str, Any]] = view["backends"]
        return backends


class Asked:
    """A request and, in the end, its answer."""

    def __init__(self) -> None:
        self._answer: httpx.Response | None = None
        self._came = anyio.Event()

    async def run(self, client: httpx.AsyncClient, url: str, options: dict[str, Any]) -> None:
        """Send it and wait."""
        self._answer = await client.post(url, **options)
        self._came.set()

    async def answer(self) -> httpx.Response:
        """When it is there."""
        await self._came.wait()
        assert self._answer is not None
        return self._answer


def pool_of(revision: str) -> str:
    """What the gateway calls the revision's pool."""
    return f"{SERVICE}/{revision}"


def starts_one(cluster: KnativeCluster) -> Callable[[StatMessage], None]:
    """An autoscaler that starts a pod of whatever is asked for, and stops none."""

    def scale(message: StatMessage) -> None:
        if (
            message.stat is not None
            and message.stat.average_concurrent_requests >= 1
            and not cluster.working(message.name)
        ):
            cluster.scale(message.name, 1)

    return scale


def pool(cluster: KnativeCluster, **changed: Any) -> dict[str, Any]:
    """As the file has it."""
    knative = {"namespace": "default", "service": SERVICE, "autoscaler": cluster.autoscaler.url}
    return {"backends": {"knative": {**knative, **changed.pop("knative", {})}}, "expose_backend": True, **changed}


def sections(directory: Path) -> dict[str, Any]:
    """Besides the pools."""
    return {"kubernetes": {"kubeconfig": str(directory / "kubeconfig")}, "trusted_proxies": ["127.0.0.1/32"]}


@asynccontextmanager
async def a_cluster(directory: Path) -> AsyncIterator[tuple[KnativeCluster, list[Container], TaskGroup]]:
    """With a Service's autoscaler, and nothing else in it yet."""
    containers: list[Container] = []

    def container() -> Container:
        containers.append(Container())
        return containers[-1]

    async with anyio.create_task_group() as tasks:
        async with knative_cluster(tasks, container, service=SERVICE) as cluster:
            cluster.on_stat = starts_one(cluster)
            cluster.write_kubeconfig(directory / "kubeconfig")
            yield cluster, containers, tasks
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def in_cluster(
    directory: Path, *, revisions: tuple[str, ...] = ("a",), **changed: Any
) -> AsyncIterator[InCluster]:
    """A gateway in front of a Service whose traffic goes to the first of these revisions."""
    async with a_cluster(directory) as (cluster, containers, tasks):
        if revisions:
            cluster.put_service()
            for name in revisions:
                cluster.put_revision(name)
            cluster.put_traffic({revisions[0]: 100})
        config = configuration(pool(cluster, **changed), **sections(directory))
        async with (
            running_gateway(directory, config) as gateway,
            httpx.AsyncClient(timeout=30, trust_env=False) as client,
        ):
            await cluster.autoscaler.until(lambda: cluster.autoscaler.connections)
            yield InCluster(cluster, gateway, client, containers, tasks)
