"""Watches one Knative Service in its cluster: the Service, its Route, its Revisions, and the autoscaler's config
map. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from gateway.knative.autoscaling import CONFIG_MAP, read_config_autoscaler
from gateway.knative.revision import read_revision
from gateway.knative.service import ServiceFacts, read_service
from gateway.knative.traffic import Traffic, read_traffic
from gateway.kubernetes.collection import Collection, Resource
from gateway.kubernetes.reflector import Reflector
from gateway.kubernetes.retry_delays import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.knative.precedence import IgnoredAnnotation
    from gateway.knative.revision import RevisionFacts
    from gateway.kubernetes.client import KubernetesClient
    from gateway.kubernetes.collection import KubeObject

SERVICES = Resource("serving.knative.dev", "v1", "services")
ROUTES = Resource("serving.knative.dev", "v1", "routes")
REVISIONS = Resource("serving.knative.dev", "v1", "revisions")
CONFIG_MAPS = Resource("", "v1", "configmaps")

_NOTHING = Traffic((), {}, {}, {})


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of a Service at one moment."""

    service: ServiceFacts
    traffic: Traffic
    revisions: Mapping[str, RevisionFacts]
    ignored: tuple[IgnoredAnnotation, ...] = ()  # of the cluster's config map


class ServiceWatch:
    """`on_change` is given everything anew whenever something of it has changed; it must not wait. (Objects change
    more often: their status says how many pods there are.)"""

    def __init__(
        self,
        client: KubernetesClient,
        namespace: str,
        service: str,
        system_namespace: str,
        on_change: Callable[[Known], None],
        *,
        jitter: Callable[[float], float] = spread,
    ) -> None:
        self._namespace = namespace
        self._service = service
        self._on_change = on_change
        self._found: dict[Resource, list[KubeObject]] = {}
        self._known: Known | None = None
        named = f"metadata.name={service}"
        collections = (
            Collection(SERVICES, namespace, fields=named),
            Collection(ROUTES, namespace, fields=named),
            Collection(REVISIONS, namespace, labels=f"serving.knative.dev/service={service}"),
            Collection(CONFIG_MAPS, system_namespace, fields=f"metadata.name={CONFIG_MAP}"),
        )
        self._reflectors = [
            Reflector(client, each, self._hearing(each.resource), jitter=jitter) for each in collections
        ]

    @property
    def stale(self) -> list[str]:
        """Why what is known may not be so any more; empty while all of it is."""
        return [stale for reflector in self._reflectors if (stale := reflector.status.stale) is not None]

    async def run(self) -> None:
        """Until cancelled."""
        async with anyio.create_task_group() as tasks:
            for reflector in self._reflectors:
                tasks.start_soon(reflector.run)

    def _hearing(self, resource: Resource) -> Callable[[list[KubeObject]], None]:
        def heard(objects: list[KubeObject]) -> None:
            self._found[resource] = objects
            known = self._read()
            if known != self._known:
                self._known = known
                self._on_change(known)

        return heard

    def _read(self) -> Known:
        service, route = self._one(SERVICES), self._one(ROUTES)
        config = self._one(CONFIG_MAPS) or {}
        cluster = read_config_autoscaler(config.get("data") or {})
        revisions = [read_revision(each, cluster) for each in self._found.get(REVISIONS, ())]
        return Known(
            read_service(service) if service is not None else ServiceFacts(self._service, self._namespace),
            self._traffic(route, service),
            {each.name: each for each in revisions},
            cluster.ignored,
        )

    def _traffic(self, *tellers: KubeObject | None) -> Traffic:
        """Of the first that tells of any: the Service repeats what its Route says, a little later."""
        told = (read_traffic(each) for each in tellers if each is not None)
        return next((traffic for traffic in told if traffic.targets), _NOTHING)

    def _one(self, resource: Resource) -> KubeObject | None:
        return next(iter(self._found.get(resource, ())), None)
