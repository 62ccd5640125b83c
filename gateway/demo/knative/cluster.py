"""A pretended cluster with one Knative Service in it: an API server, an autoscaler that listens, and pods on addresses
of this machine, all in one process. It keeps what it is told; how many pods there should be, others say (`scale`).
"""

from __future__ import annotations

import itertools
import json
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.demo.knative import objects
from gateway.demo.knative.autoscaler import AutoscalerStandIn
from gateway.demo.knative.pod import DRAIN_QUIET, PodStandIn
from gateway.demo.kube_api.api import KubeApi
from gateway.demo.kube_api.serving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

    from anyio.abc import TaskGroup

    from gateway.demo.knative.wire import StatMessage
    from gateway.demo.kube_api.serving import Serving

    Application = Callable[..., Awaitable[None]]

#: Loopback addresses that pods are given, in turn; a pod that has ended leaves its address to the next.
_HOSTS = [f"127.0.0.{number}" for number in range(2, 200)]


@dataclass(slots=True)
class _Revision:
    limit: int
    pods: list[PodStandIn] = field(default_factory=list)
    desired: int = 0


class KnativeCluster:
    """Made by `knative_cluster`. `boot`: seconds a pod takes to come up."""

    def __init__(
        self,
        tasks: TaskGroup,
        container: Callable[[], Application],
        service: str,
        *,
        boot: float,
        drain_quiet: float = DRAIN_QUIET,
    ) -> None:
        self.api = KubeApi()
        self.autoscaler = AutoscalerStandIn(self._heard)
        self.on_stat: Callable[[StatMessage], None] = lambda message: None
        self.service = service
        self.boot = boot
        self.drain_quiet = drain_quiet
        self.idle_quiet = 0.0
        self.serving: Serving | None = None
        self._tasks = tasks
        self._container = container
        self._user_port, self._pod_port = _free_port(), _free_port()
        self._revisions: dict[str, _Revision] = {}
        self._numbers = itertools.count(1)

    # What is in the cluster

    def put_service(self, annotations: Mapping[str, str] | None = None) -> None:
        """The Knative Service, with these annotations."""
        self.api.store.put("services", objects.knative_service(self.service, annotations or {}))

    def put_revision(
        self, name: str, annotations: Mapping[str, str] | None = None, *, concurrency: int = 1, **spec: Any
    ) -> None:
        """A revision, without pods and without traffic; or other annotations for one that is there."""
        content = objects.revision(
            name,
            self.service,
            user_port=self._user_port,
            concurrency=concurrency,
            annotations=annotations or {},
            **spec,
        )
        self.api.store.put("revisions", content)
        if name not in self._revisions:
            self._revisions[name] = _Revision(concurrency)
            self._list(name)

    def put_traffic(self, percents: Mapping[str, int], tags: Mapping[str, str] | None = None) -> None:
        """Who gets which part of it."""
        self.api.store.put("routes", objects.route(self.service, percents, tags or {}))

    # Pods

    def pods(self, revision: str) -> list[PodStandIn]:
        """Those that are there, in the order of their start; also those that end."""
        return list(self._revisions[revision].pods)

    def working(self, revision: str) -> list[PodStandIn]:
        """Those that start or serve."""
        return [pod for pod in self.pods(revision) if not pod.terminating]

    def scale(self, revision: str, desired: int) -> None:
        """So many pods from now on. Those that are cheapest to lose end first, as Kubernetes has it."""
        there = self.working(revision)
        for _ in range(desired - len(there)):
            self._start(revision)
        for pod in sorted(there, key=self._cost)[: max(0, len(there) - desired)]:
            pod.end()

    def _cost(self, pod: PodStandIn) -> tuple[bool, int]:
        annotations = self.api.store.get(objects.PODS, pod.name)["metadata"].get("annotations", {})
        return pod.ready, int(annotations.get("controller.kubernetes.io/pod-deletion-cost", 0))

    def _start(self, revision: str) -> None:
        name = f"{revision}-pod-{next(self._numbers)}"
        uid = self.api.store.put("pods", objects.pod(name))["metadata"]["uid"]
        one = self._revisions[revision]
        pod = PodStandIn(
            name,
            uid,
            self._free_host(),
            self._container(),
            limit=one.limit,
            on_change=lambda: self._list(revision),
            drain_quiet=self.drain_quiet,
            idle_quiet=self.idle_quiet,
        )
        one.pods.append(pod)
        self._tasks.start_soon(self._run, revision, pod)

    async def _run(self, revision: str, pod: PodStandIn) -> None:
        await pod.run(user_port=self._user_port, pod_port=self._pod_port, boot=self.boot)
        self._revisions[revision].pods.remove(pod)
        self.api.store.delete(objects.PODS, pod.name)
        self._list(revision)

    def _free_host(self) -> str:
        taken = {pod.host for revision in self._revisions.values() for pod in revision.pods}
        return next(host for host in _HOSTS if host not in taken)

    def _list(self, revision: str) -> None:
        """The EndpointSlice as Kubernetes would write it: whoever has an address is in it."""
        endpoints = [
            objects.endpoint(pod.name, pod.uid, pod.host, ready=pod.ready, terminating=pod.terminating)
            for pod in self._revisions[revision].pods
            if pod.proxy is not None
        ]
        self.api.store.put("endpointslices", objects.endpoint_slice(revision, endpoints, self._pod_port))

    def _heard(self, message: StatMessage) -> None:
        self.on_stat(message)

    # For those who come in

    def write_kubeconfig(self, file: Path) -> None:
        """By which a gateway reaches the API server."""
        assert self.serving is not None
        file.write_text(
            json.dumps(
                {
                    "current-context": "demo",
                    "contexts": [{"name": "demo", "context": {"cluster": "demo", "user": "gateway"}}],
                    "clusters": [{"name": "demo", "cluster": {"server": self.serving.url}}],
                    "users": [{"name": "gateway", "user": {"token": "demo"}}],
                }
            )
        )


@asynccontextmanager
async def knative_cluster(
    tasks: TaskGroup,
    container: Callable[[], Application],
    *,
    service: str = "sd",
    boot: float = 0.1,
    drain_quiet: float = DRAIN_QUIET,
) -> AsyncIterator[KnativeCluster]:
    """Serve one until the end of the block. `container`: makes what runs in a pod, an ASGI application. Pods run in
    `tasks`, until that is cancelled."""
    cluster = KnativeCluster(tasks, container, service, boot=boot, drain_quiet=drain_quiet)
    async with serving(cluster.api) as cluster.serving, cluster.autoscaler.listening():
        yield cluster


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
