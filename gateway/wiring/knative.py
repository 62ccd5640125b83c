"""All pools of Knative's, and what they share: the plans of their revisions, the one link to the
autoscaler, the reports over it, and their metrics and snapshots. Decides nothing."""

from __future__ import annotations

import random
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from prometheus_client.registry import Collector

from gateway.core.records.listed import Listed
from gateway.core.scaling.report import RevisionReport
from gateway.knative.autoscaler_socket import autoscaler_socket
from gateway.knative.link import AutoscalerLink
from gateway.knative.stat_reporter import Revision, StatReporter
from gateway.metrics.autoscaler_link import AutoscalerLinkCollector
from gateway.metrics.ignored_annotations import IgnoredAnnotationsCollector
from gateway.metrics.knative_names import RevisionNames
from gateway.proxy.traffic_split import Revisions, TrafficSplit
from gateway.wiring.knative_pool import KnativePool
from gateway.wiring.pool import CannotReload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from prometheus_client.metrics_core import Metric

    from gateway.runtime.background import Background
    from gateway.runtime.driver import Driver
    from gateway.settings.model import PoolSettings, Settings
    from gateway.wiring.knative_pool import Plan
    from gateway.wiring.knative_values import RevisionPool
    from gateway.wiring.kubernetes import Cluster
    from gateway.wiring.pool import PoolParts
    from gateway.wiring.pools import PoolRegistry


class KnativePools(Collector):
    """The Knative pools by their names in the file. `on_change` is called when one has other revisions
    or other hosts."""

    def __init__(
        self,
        cluster: Cluster,
        pools: PoolRegistry,
        background: Background,
        *,
        pod_name: str,
        keys: Callable[[], Sequence[str]],
        on_change: Callable[[], None],
    ) -> None:
        """`pod_name`: the sender of the statistics. `keys`: the current signing keys of cookies."""
        self._cluster = cluster
        self._pools = pools
        self._background = background
        self._pod_name = pod_name
        self._keys = keys
        self._on_change = on_change
        self._services: dict[str, KnativePool] = {}
        self._splits: dict[str, TrafficSplit] = {}
        self._link: AutoscalerLink | None = None  # made when it is first needed
        self._reporter: StatReporter | None = None
        self._autoscaler = ""  # where the link leads

    # For the gateway

    def check_reload(self, settings: Settings) -> None:
        """Raises CannotReload."""
        for name, pool in settings.pools.items():
            knative = pool.backends.knative
            if knative is not None and self._autoscaler and str(knative.autoscaler) != self._autoscaler:
                raise CannotReload(f"pools.{name}.backends.knative.autoscaler: another one needs a restart")

    def reload(self, settings: Settings) -> None:
        """Takes over a file's settings. The file's pools, in which requests wait for a revision, exist
        already."""
        pools = {name: pool for name, pool in settings.pools.items() if pool.backends.knative is not None}
        for name in self._services.keys() - pools.keys():
            self._services.pop(name).close()
        for name, pool in pools.items():
            if name in self._services:
                self._services[name].reload(pool)
                self._carry_out(name)
            else:
                self._add(name, pool)

    def split(self, name: str) -> TrafficSplit | None:
        """The traffic split in front of the pools of that name's revisions."""
        return self._splits.get(name) if name in self._services else None

    def pool_names(self) -> set[str]:
        """The pools of all revisions that are to be served."""
        return {revision.name for plan in self._plans().values() for revision in plan.revisions.values()}

    def hosts(self, name: str) -> tuple[str, ...]:
        """Hosts by which the tags of that pool's traffic are asked for."""
        plan = self._plans().get(name)
        return tuple(plan.traffic.hosts) if plan is not None else ()

    def retired(self, name: str) -> None:
        """Forgets a pool that is gone."""
        self._splits.pop(name, None)
        if self._reporter is not None:
            self._reporter.remove(name)

    @property
    def is_in_use(self) -> bool:
        """The file has a pool of Knative's."""
        return bool(self._services)

    def degraded(self) -> list[str]:
        """Pools whose pods the autoscaler may soon take for idle."""
        return self._reporter.degraded() if self._reporter is not None else []

    # For metrics and snapshot

    def names(self) -> dict[str, RevisionNames]:
        """Knative's own names for each revision's pool. A Service's Configuration has the Service's name."""
        return {
            name: RevisionNames(place.namespace, place.service, place.service, place.revision)
            for name, parts in self._pools.parts.items()
            if (place := parts.place) is not None
        }

    def stale(self, name: str) -> list[str]:
        """Reasons why the facts about that pool's Service may be out of date; empty while they are not,
        and for other pools."""
        return self._services[name].stale if name in self._services else []

    def shown(self) -> dict[str, dict[str, Any]]:
        """Knative's values for each pool, each with its source, for the snapshot."""
        shown: dict[str, dict[str, Any]] = {}
        reported = self._reporter.reported() if self._reporter is not None else {}
        for name, service in self._services.items():
            shown[name] = {"service": service.service, "warnings": (), "traffic": (), "link": self._link_shown()}
        for name, plan in self._plans().items():
            shown[name] |= {"warnings": plan.warnings, "traffic": plan.traffic.targets}
            for revision in plan.revisions.values():
                shown[revision.name] = _shown(revision, plan) | {"reported": reported.get(revision.name)}
        return shown

    @property
    def hears(self) -> bool | None:
        """The autoscaler hears this gateway; None without a pool of Knative's."""
        return self._link.is_up if self._services and self._link is not None else None

    def collect(self) -> Iterator[Metric]:
        """The metrics, while there are such pools."""
        if self._services:
            yield from IgnoredAnnotationsCollector(
                lambda: {name: len(plan.warnings) for name, plan in self._plans().items()}
            ).collect()
        if self._link is not None and self._reporter is not None:
            yield from AutoscalerLinkCollector(self._link, self._reporter.reported).collect()

    def describe(self) -> Iterator[Metric]:
        """No metrics in advance: which there are depends on the pools."""
        return iter(())

    # Inside

    def _link_shown(self) -> dict[str, Any]:
        """The state of the one link to the autoscaler, for the snapshot."""
        link = self._link
        assert link is not None
        down_for = None if link.down_since is None else time.monotonic() - link.down_since
        return {"up": link.is_up, "down_for": down_for, "losses": link.losses, "dropped": link.dropped}

    def _plans(self) -> dict[str, Plan]:
        return {name: service.plan for name, service in self._services.items() if service.plan is not None}

    def _add(self, name: str, pool: PoolSettings) -> None:
        if name not in self._splits:  # else requests of the one that was removed still wait for it
            self._splits[name] = TrafficSplit(self._pools.parts[name].served)
        self._services[name] = service = KnativePool(
            name,
            pool,
            self._cluster.client,
            on_plan=lambda: self._changed(name),
            is_serving=lambda: any(not parts.driver.pool.is_cold for parts in self._revisions_of(name)),
        )
        self._background.start(f"knative {name}", service.run)
        if self._link is None and pool.backends.knative is not None:
            self._connect(str(pool.backends.knative.autoscaler))

    def _connect(self, autoscaler: str) -> None:
        self._autoscaler = autoscaler
        self._link = AutoscalerLink(partial(autoscaler_socket, autoscaler), clock=time.monotonic, chance=random.random)
        self._reporter = StatReporter(self._link, self._pod_name, clock=time.monotonic, wall_clock=time.time)
        self._background.start("autoscaler link", self._link.run)
        self._background.start("autoscaler statistics", self._reporter.run)

    def _changed(self, name: str) -> None:
        if name in self._services:
            self._carry_out(name)
            self._on_change()

    def _carry_out(self, name: str) -> None:
        """Puts a plan into force: first its pools, then the split between them, then those who waited
        for it go on."""
        plan, split = self._services[name].plan, self._splits[name]
        if plan is None:
            return
        pools = {revision: self._put(each).served for revision, each in plan.revisions.items()}
        traffic = plan.traffic
        split.replace(Revisions(pools, traffic.shares, traffic.tags, traffic.hosts))
        if split.is_open:
            _let_out(self._pools.parts[name].driver)

    def _put(self, revision: RevisionPool) -> PoolParts:
        place = revision.place
        parts = self._pools.put(revision.name, revision.settings, self._keys(), place)
        driver = parts.driver
        pool = driver.pool
        if pool.report is None:
            pool.report = RevisionReport(place.accounting, goes_by_rate=place.goes_by_rate)
            parts.watch_turns(lambda identity: self._poke(revision.name))
        elif (pool.report.accounting, pool.report.goes_by_rate) != (place.accounting, place.goes_by_rate):
            pool.report.account(driver.clock(), place.accounting, goes_by_rate=place.goes_by_rate)
        assert self._reporter is not None
        self._reporter.add(
            revision.name,
            Revision(place.namespace, place.revision, pool.report, lambda: pool.is_cold, place.stable_window),
        )
        driver.on_wait = partial(self._reporter.poke, revision.name)
        return parts

    def _poke(self, name: str) -> None:
        if self._reporter is not None:
            self._reporter.poke(name)

    def _revisions_of(self, name: str) -> Iterator[PoolParts]:
        return (parts for parts in self._pools.parts.values() if parts.place is not None and parts.place.pool == name)


def _shown(revision: RevisionPool, plan: Plan) -> dict[str, Any]:
    """The values in force, each with its source."""
    values = {
        key: {"value": _value(revision.settings, key), "from": origin.value} for key, origin in revision.origins.items()
    }
    share = plan.traffic.shares.get(revision.place.revision, 0)
    return {"share": share, "accounting": revision.place.accounting.value, "values": values}


def _value(settings: object, key: str) -> object:
    for part in key.split("."):
        settings = getattr(settings, part)
    return settings


def _let_out(driver: Driver) -> None:
    """Lets all that wait in a pool without backends go on, in their order: for a moment it has a
    backend without limit."""
    driver.replace_backends([Listed("revision", "", "revision", limit=0, fresh=True, ready=True)])
    driver.replace_backends([])
