"""Knative's own names for what a pool of Knative's shows, old and new, so that dashboards made for Knative work.

Untyped, as the same name may be a gauge here and something else there, and left out of what holds for our own names.
Labels are Knative's, exactly: the old names' as scraped from an activator up to 1.18, the new ones' as from 1.19 on.
Concurrency is that of the moment of the scrape; Knative's is the average of the second before.
"""

from __future__ import annotations

from collections import Counter as Tally
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.core import UntypedMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from gateway.core.views.record import RequestRecord
    from gateway.core.views.snapshot import PoolView

#: Up to 1.18.
_OLD = ("configuration_name", "container_name", "namespace_name", "pod_name", "revision_name", "service_name")
_WITH_CODE = (*_OLD, "response_code", "response_code_class")

#: From 1.19 on: of a revision, and of its line, which tells no more than which revision it is.
_NEW = ("kn_service_name", "kn_configuration_name", "kn_revision_name", "k8s_namespace_name")
_NEW_SHORT = ("kn_revision_name", "k8s_namespace_name")

#: As whose dashboards select by: the container in whose place this gateway stands.
_CONTAINER = "activator"


@dataclass(frozen=True, slots=True)
class RevisionNames:
    """Whose requests a pool's are."""

    namespace: str
    service: str
    configuration: str
    revision: str


class KnativeNamesCollector(Collector):
    """Told of each ended request, and asked at each scrape. To be called where the pools live: on the event loop."""

    def __init__(
        self,
        views: Callable[[], Iterable[PoolView]],
        revisions: Callable[[], Mapping[str, RevisionNames]],
        pod_name: str,
    ) -> None:
        """`revisions`: by pool; a pool that is not Knative's has none. `pod_name`: this gateway's."""
        self._views = views
        self._revisions = revisions
        self._pod_name = pod_name
        self._counts = Tally[tuple[str, int]]()  # by pool and status

    def observe(self, record: RequestRecord) -> None:
        """Count one ended request that was answered, or whose client left."""
        if record.pool is not None and record.status is not None:
            self._counts[record.pool, record.status] += 1

    def forget(self, pool: str) -> None:
        """The pool is no more."""
        for key in [key for key in self._counts if key[0] == pool]:
            del self._counts[key]

    def collect(self) -> Iterator[UntypedMetricFamily]:
        """All families with their samples."""
        return self._families({view.name: view for view in self._views()}, self._revisions())

    def describe(self) -> Iterator[UntypedMetricFamily]:
        """All families, empty: the registry refuses a name that is taken."""
        return self._families({}, {})

    def _families(
        self, pools: Mapping[str, PoolView], revisions: Mapping[str, RevisionNames]
    ) -> Iterator[UntypedMetricFamily]:
        known = [(view, revisions[name]) for name, view in pools.items() if name in revisions]
        old = UntypedMetricFamily("activator_request_concurrency", "Requests that are here.", labels=_OLD)
        new = UntypedMetricFamily("kn_revision_request_concurrency", "Requests that are here.", labels=_NEW)
        queued = UntypedMetricFamily("kn_revision_request_queued", "Requests in line.", labels=_NEW_SHORT)
        active = UntypedMetricFamily("kn_revision_request_active", "Requests with a pod.", labels=_NEW_SHORT)
        for view, names in known:
            waiting, working = _waiting(view), _working(view)
            old.add_metric(self._old(names), waiting + working)
            new.add_metric((names.service, names.configuration, names.revision, names.namespace), waiting + working)
            queued.add_metric((names.revision, names.namespace), waiting)
            active.add_metric((names.revision, names.namespace), working)
        yield from (old, self._request_count(revisions), new, queued, active)

    def _request_count(self, revisions: Mapping[str, RevisionNames]) -> UntypedMetricFamily:
        family = UntypedMetricFamily("activator_request_count", "Requests that have ended.", labels=_WITH_CODE)
        for (pool, status), count in self._counts.items():
            if (names := revisions.get(pool)) is not None:
                family.add_metric((*self._old(names), str(status), f"{status // 100}xx"), count)
        return family

    def _old(self, names: RevisionNames) -> tuple[str, ...]:
        return names.configuration, _CONTAINER, names.namespace, self._pod_name, names.revision, names.service


def _waiting(pool: PoolView) -> int:
    return pool.line.waiting + pool.line.waiting_exempt


def _working(pool: PoolView) -> int:
    return pool.in_flight + sum(backend.exempt for backend in pool.backends)
