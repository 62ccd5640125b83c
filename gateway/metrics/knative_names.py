"""The figures of Knative pools under Knative's own metric names, old and new, so that dashboards made for Knative work.

Untyped, as the type of one name differs between Knative's components. Labels are exactly Knative's: of the old
names as scraped from an activator up to 1.18, of the new ones as from 1.19 on. Concurrency is that at the
scrape; Knative's is the average of the second before.
"""

from __future__ import annotations

from collections import Counter
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

#: From 1.19 on: the labels of a revision, and the fewer ones of its queue.
_NEW = ("kn_service_name", "kn_configuration_name", "kn_revision_name", "k8s_namespace_name")
_NEW_SHORT = ("kn_revision_name", "k8s_namespace_name")

#: The container that dashboards select: the gateway takes its place.
_CONTAINER = "activator"


@dataclass(frozen=True, slots=True)
class RevisionNames:
    """The revision that a pool serves, and its owners."""

    namespace: str
    service: str
    configuration: str
    revision: str


class KnativeNamesCollector(Collector):
    """Counts each ended request, and reads the views at each scrape. Must be called on the event loop."""

    def __init__(
        self,
        views: Callable[[], Iterable[PoolView]],
        revisions: Callable[[], Mapping[str, RevisionNames]],
        pod_name: str,
    ) -> None:
        """`revisions`: by pool, Knative pools alone. `pod_name`: the gateway's own."""
        self._views = views
        self._revisions = revisions
        self._pod_name = pod_name
        self._counts = Counter[tuple[str, int]]()  # by pool and status

    def observe(self, record: RequestRecord) -> None:
        """Count one ended request, if it has a status."""
        if record.pool is not None and record.status is not None:
            self._counts[record.pool, record.status] += 1

    def forget(self, pool: str) -> None:
        """The pool is no more: its series end."""
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
