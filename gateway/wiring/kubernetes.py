"""The cluster of the pools of Kubernetes and Knative: one client for all of them, made when the first asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.discovery.endpoint_slices import EndpointSliceBackends, ServicePort
from gateway.kubernetes.client import KubernetesClient, new_http
from gateway.kubernetes.collection import Collection, Resource
from gateway.kubernetes.in_cluster import in_cluster
from gateway.kubernetes.kubeconfig import kubeconfig
from gateway.scaling.deletion_cost import DeletionCosts, costs_of
from gateway.scaling.kubernetes_target import KubernetesTarget

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import httpx

    from gateway.core.pool import Pool
    from gateway.discovery.source import Reports, Source, Watch
    from gateway.settings.model import KubernetesServiceSettings, KubernetesSettings, PoolSettings, Settings
    from gateway.wiring.knative_values import RevisionPlace

_DEPLOYMENTS = Resource("apps", "v1", "deployments")


class Cluster:
    """The API server that this gateway talks to. Whoever made it closes it."""

    def __init__(self, settings: KubernetesSettings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._http: httpx.AsyncClient | None = None
        self._client: KubernetesClient | None = None

    @property
    def client(self) -> KubernetesClient:
        """Raises NoAccess if nothing says how to reach an API server."""
        if self._client is None:
            settings = self._settings
            access = (
                in_cluster(self._environ)
                if settings.kubeconfig is None
                else kubeconfig(settings.kubeconfig, settings.context)
            )
            self._http = new_http(access)
            self._client = KubernetesClient(access, self._http)
        return self._client

    def check(self, settings: Settings) -> None:
        """Raises NoAccess if a pool needs a cluster, and there is no way to it."""
        if any(pool.backends.kubernetes or pool.backends.knative for pool in settings.pools.values()):
            assert self.client is not None

    async def aclose(self) -> None:
        """Closes the connections to the API server."""
        if self._http is not None:
            await self._http.aclose()

    # Parts of pools

    def pods_of_service(self, service: KubernetesServiceSettings, reports: Reports, watch: Watch) -> Source:
        """The pods behind a Service of Kubernetes. A pod that Kubernetes calls not ready is not ready,
        whatever our probe finds: an open port is no ready server, and the pod's own probe knows
        better."""
        where = ServicePort(service.namespace, service.service, service.port)
        return EndpointSliceBackends(self.client, where, reports, watch, believe_unready=True)

    def pods_of_revision(self, place: RevisionPlace, reports: Reports, watch: Watch) -> Source:
        """The pods of a revision of Knative's."""
        believe = place.believe_unready
        return EndpointSliceBackends(self.client, place.where, reports, watch, believe_unready=believe)

    def deletion_costs(self, settings: PoolSettings, pool: Pool, clock: Callable[[], float]) -> DeletionCosts | None:
        """The writer of the pods' deletion costs; None where `deletion_cost` is off."""
        service = settings.backends.kubernetes or settings.backends.knative
        if service is None or not service.deletion_cost:
            return None
        return DeletionCosts(self.client, service.namespace, lambda: costs_of(pool.backends.values(), clock()))

    def deployment(
        self, settings: PoolSettings, pool: Pool, before_scale_down: Callable[[], Awaitable[None]]
    ) -> KubernetesTarget:
        """The Deployment that the pool's own autoscaler scales."""
        service, scaling = settings.backends.kubernetes, settings.scaling.kubernetes
        assert service is not None
        assert scaling is not None
        return KubernetesTarget(
            self.client,
            Collection(_DEPLOYMENTS, service.namespace),
            scaling.deployment,
            at_work=lambda: sum(each.is_busy for each in pool.backends.values() if each.listed),
            before_scale_down=before_scale_down,
        )
