"""A cluster for tests: the demo's stand-in for its API server on a real port, a client of it, and small objects."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.demo.kube_api.api import KubeApi
from gateway.demo.kube_api.serving import serving
from gateway.demo.kube_api.store import Kind
from gateway.kubernetes.access import Access
from gateway.kubernetes.client import KubernetesClient, new_http

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from gateway.demo.kube_api.serving import Serving

SLICES = Kind("discovery.k8s.io/v1", "endpointslices")


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a test holds in its hands."""

    api: KubeApi
    serving: Serving
    client: KubernetesClient

    def put_slice(self, name: str, *endpoints: dict[str, Any], service: str = "sd", **changed: Any) -> None:
        """One more slice of the service, or another one in its place."""
        self.api.store.put("endpointslices", slice_of(name, *endpoints, service=service, **changed))

    def delete_slice(self, name: str) -> None:
        """It is no more."""
        self.api.store.delete(SLICES, name)


@contextlib.asynccontextmanager
async def a_cluster(
    *, bookmark_every: float = 60.0, token: Callable[[], str | None] = lambda: None
) -> AsyncIterator[Cluster]:
    """Serve one until the end of the block; `token` is what our client says that it is."""
    api = KubeApi(bookmark_every=bookmark_every)
    async with serving(api) as served:
        access = Access(served.url, "default", None, token)
        async with new_http(access) as http:
            yield Cluster(api, served, KubernetesClient(access, http))


def slice_of(
    name: str, *endpoints: dict[str, Any], service: str = "sd", family: str = "IPv4", port: int = 7860
) -> dict[str, Any]:
    """An EndpointSlice with one port named "http"."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": service}},
        "addressType": family,
        "endpoints": list(endpoints),
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
    }


def endpoint(uid: str, address: str, **conditions: bool) -> dict[str, Any]:
    """One pod behind a service, named after its UID."""
    pod = {"kind": "Pod", "namespace": "default", "name": f"pod-{uid}", "uid": uid}
    return {"addresses": [address], "conditions": conditions, "targetRef": pod}


def soon(_: float) -> float:
    """Instead of a back-off: tests do not wait for it."""
    return 0.01
