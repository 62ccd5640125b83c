"""Builds everything of one pool, and keeps it together through a reload. Decides nothing."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import structlog

from gateway.core.pool import Pool
from gateway.core.records.decisions import Judged, Quarantined, Unsure
from gateway.core.records.listed import BackendState
from gateway.discovery.departures import Departures
from gateway.discovery.dns import DnsBackends
from gateway.discovery.empty_source import EmptySource
from gateway.discovery.static import StaticBackends
from gateway.probing.draining import DrainKeeper
from gateway.probing.questions import WakeUps
from gateway.proxy.pool.served_pool import ServedPool
from gateway.runtime.driver import Driver
from gateway.upstream.dialer import Dialer
from gateway.wiring.backend_news import tell_of_backend
from gateway.wiring.pool_values import autoscaling_of, cookies_of, mounts_of, policy_of, profile_of, rules_of
from gateway.wiring.probes import watch_of
from gateway.wiring.scaling import fleet_of, scaler_of, target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    import httpx

    from gateway.core.records.listed import Listed
    from gateway.discovery.local_processes import LocalProcesses
    from gateway.discovery.source import Source
    from gateway.metrics.collector import ScalerView
    from gateway.probing.watch import BackendWatch
    from gateway.proxy.pool.rules import Rules
    from gateway.proxy.session.cookie import SessionCookies
    from gateway.scaling.deletion_cost import DeletionCosts
    from gateway.scaling.local import LocalScaler
    from gateway.scaling.target import Target
    from gateway.settings.model import BackendsSettings, PoolSettings
    from gateway.wiring.knative_values import RevisionPlace
    from gateway.wiring.kubernetes import Cluster


class CannotReload(Exception):
    """A change of the file that needs a restart."""


class PoolParts:
    """Everything that one pool is made of."""

    def __init__(
        self,
        name: str,
        settings: PoolSettings,
        keys: Sequence[str],
        inherited: Mapping[str, str],
        probes: httpx.AsyncClient,
        on_warmed: Callable[[float], None],
        cluster: Cluster,
        place: RevisionPlace | None = None,
    ) -> None:
        """`inherited`: the environment of the pool's processes. `place`: the Knative revision whose
        pool this is. A pool of Knative's without a place has no backends: requests wait in it until a
        revision is known."""
        self.name = name
        self._settings = settings
        self.place = place
        self._probes = probes
        self._cluster = cluster
        self._profile = profile_of(settings)
        now = time.monotonic()
        self._turn_watchers: list[Callable[[str], None]] = []
        self._quarantines = WakeUps()
        self.driver = Driver(
            Pool(name, policy_of(settings, self._profile), now),
            time.monotonic,
            on_warmed=on_warmed,
            on_turn=self._turn_began,
            on_news=self._heard_of,
        )
        self._dialers: list[Dialer] = []  # the last one is in use; exchanges may go on in those before it
        self.served = ServedPool(
            name, self.driver, self._profile, self._new_cookies(keys), self._new_dialer(), self._rules()
        )
        self._reports = Departures(self.driver, self._forget)
        self._watch = self._new_watch()
        self.fleet: LocalProcesses | None = None
        self._costs: DeletionCosts | None = None
        self._scaler: LocalScaler | None = None
        self._ceilings: Mapping[str, int] = {}
        self._chores: list[Callable[[], Coroutine[Any, Any, None]]] = [self.driver.run]
        if place is not None:
            path = self._profile.idle.path if self._profile.idle is not None else "/"
            self._chores.append(DrainKeeper(probes, path, self._ending_at_work).run)
        self._closing = False
        # While it runs. Not made here: a reload makes new pools in a signal's callback, where there is no task.
        self._scope: anyio.CancelScope | None = None
        self._source_scope: anyio.CancelScope | None = None
        self._source: Source | None = None  # while it runs
        if settings.backends.processes is not None:
            self.fleet = fleet = fleet_of(name, settings, inherited, self._reports, self._look_after)
            target = target_of(fleet, self.driver, lambda: self._settings.quarantine.replace_after)
            fleet.on_death = self._scale(target, fleet.ceilings).reapply
        elif not self._is_anteroom:
            self._join_cluster(cluster)
        if self._profile.idle is None and self.fleet is None and not self._is_anteroom:
            structlog.get_logger().info(
                "backends_start_free",
                pool=name,
                why=f"profile {settings.profile} cannot ask a backend whether it is at work",
            )

    async def run(self) -> None:
        """The pool's timers, discovery, probes and scaler, until `close` or cancelled."""
        with anyio.CancelScope() as self._scope:
            try:
                async with anyio.create_task_group() as tasks:
                    for chore in self._chores:
                        tasks.start_soon(chore)
                    while True:
                        self._source = source = self._new_source()
                        with anyio.CancelScope() as self._source_scope:
                            await source.run()
            finally:
                for dialer in self._dialers:
                    dialer.close()

    def _ending_at_work(self) -> list[str]:
        return [
            each.address
            for each in self.driver.pool.backends.values()
            if each.state is BackendState.DRAINING and each.has_known_work
        ]

    def watch_turns(self, watcher: Callable[[str], None]) -> None:
        """`watcher` is called with the backend's identity when a counted request gets a turn; it must
        be quick."""
        self._turn_watchers.append(watcher)

    def _heard_of(self, news: Judged | Quarantined | Unsure) -> None:
        if not isinstance(news, Judged):
            self._quarantines.wake(news.backend.identity)
        if not isinstance(news, Unsure):
            tell_of_backend(self.name, news)

    def _turn_began(self, identity: str) -> None:
        for watcher in self._turn_watchers:
            watcher(identity)

    @property
    def _is_anteroom(self) -> bool:
        """Requests wait in it for a pool of Knative's revisions; it has no backends."""
        return self._settings.backends.knative is not None and self.place is None

    @property
    def has_work(self) -> bool:
        """A request is in it, in whatever lane, or a backend may still be at work for one."""
        pool = self.driver.pool
        in_line = pool.waiting or pool.waiting_exempt or pool.budget.uploading
        return bool(in_line) or any(not backend.is_done for backend in pool.backends.values())

    async def close(self) -> None:
        """Ends the pool for good: its processes are stopped, and `run` returns; what was written to its pods
        is taken back."""
        self._closing = True
        if self.fleet is not None:
            await self.fleet.close()
        if self._scope is not None:
            self._scope.cancel()
        if self._costs is not None:
            await self._costs.take_back()

    @property
    def stale(self) -> list[str]:
        """Reasons why the list of backends may be out of date; empty while it is not."""
        reason = self._source.stale if self._source is not None else None
        return [reason] if reason is not None else []

    def scaler_view(self) -> ScalerView | None:
        """The last decision of the pool's scaler; None without a scaler, and before its first decision."""
        scale = self._scaler.view() if self._scaler is not None else None
        if scale is None:
            return None
        valid = scale.decision.valid
        return {
            "desired": scale.desired,
            "ready": self.driver.pool.ready_count,
            "stable": scale.decision.stable if valid else None,
            "panic": scale.decision.panic if valid else None,
            "in_panic": scale.decision.in_panic,
            "bound": scale.bound.name if scale.bound is not None else None,
        }

    # Reload

    def _scales_elsewhere(self, settings: PoolSettings) -> bool:
        old, new = self._settings.backends.kubernetes, settings.backends.kubernetes
        return (
            settings.scaling.kubernetes is not None
            and old is not None
            and old.namespace != getattr(new, "namespace", None)
        )

    def check_reload(self, settings: PoolSettings) -> None:
        """Raises CannotReload if `reload` cannot do this without dropping requests."""
        if self._closing:
            raise CannotReload(f"pools.{self.name}: the processes of the one that was removed are still being stopped")
        old, new = self._settings.backends, settings.backends
        where = f"pools.{self.name}.backends"
        if _kind(old) != _kind(new):
            raise CannotReload(f"{where}: another kind of backends needs a restart")
        if settings.scaling != self._settings.scaling or self._scales_elsewhere(settings):
            raise CannotReload(f"pools.{self.name}.scaling: another Deployment needs a restart")
        if _tells_costs(old) != _tells_costs(new):
            raise CannotReload(f"{where}: another deletion_cost needs a restart")
        if old.processes is not None and new.processes is not None:
            same = {"max": old.processes.max}
            if new.processes.model_copy(update=same) != old.processes:
                raise CannotReload(f"{where}.processes: only max can change without a restart")

    def reload(self, settings: PoolSettings, keys: Sequence[str], place: RevisionPlace | None = None) -> None:
        """New settings and keys, from the next request on. No request is dropped."""
        old, self._settings = self._settings, settings
        old_place, self.place = self.place, place
        self._profile = profile_of(settings)
        self.driver.refit(policy_of(settings, self._profile))
        served = self.served
        served.profile, served.rules = self._profile, self._rules()
        if (old.timeouts.connect, old.timeouts.keep_alive) != (settings.timeouts.connect, settings.timeouts.keep_alive):
            served.upstream = self._new_dialer()
        if old.affinity == settings.affinity:
            served.cookies.rotate(keys)
        else:
            served.cookies = self._new_cookies(keys)
        self._watch = self._new_watch()
        if self.fleet is not None and settings.backends.processes is not None:
            self.fleet.most = settings.backends.processes.max
            self.fleet.start_timeout = settings.cold_start.timeout
            self._ceilings = self.fleet.ceilings
        elif self._source_scope is not None and _members(old, old_place) != _members(settings, place):
            self._source_scope.cancel()  # and a new one begins
        if self._scaler is not None:
            self._scaler.reconfigure(autoscaling_of(settings), settings.concurrency, self._ceilings)

    # Parts

    def _new_source(self) -> Source:
        backends = self._settings.backends
        if self.fleet is not None:
            return self.fleet
        if backends.dns is not None:
            dns = backends.dns
            return DnsBackends(dns.name, dns.port, self._reports, self._look_after, interval=dns.interval)
        if backends.kubernetes is not None:
            return self._cluster.pods_of_service(backends.kubernetes, self._reports, self._look_after)
        if self.place is not None:
            return self._cluster.pods_of_revision(self.place, self._reports, self._look_after)
        if backends.knative is not None:
            return EmptySource()
        return StaticBackends(backends.static or (), self._reports, self._look_after)

    def _new_dialer(self) -> Dialer:
        timeouts = self._settings.timeouts
        dialer = Dialer(connect_timeout=timeouts.connect, idle_reuse=timeouts.keep_alive)
        self._dialers = [*(old for old in self._dialers if old.in_use), dialer]
        return dialer

    def _forget(self, address: str) -> None:
        for dialer in self._dialers:
            dialer.forget(address)

    async def _look_after(self, backend: Listed, report: Callable[[bool], None]) -> None:
        """By the watch in force when the backend came."""
        log = structlog.get_logger().bind(pool=self.name, backend=backend.name)

        def tell(ready: bool) -> None:
            report(ready)
            if ready and self.fleet is None:  # the fleet tells its own story
                log.info("backend_ready")

        await self._watch(backend, tell)

    def _new_watch(self) -> BackendWatch:
        settings = self._settings
        return watch_of(
            settings.readiness,
            self._profile,
            self.place,
            self.driver,
            self._probes,
            self._quarantines,
            settings.probe.headers,
            are_started=not (settings.backends.static or settings.backends.dns),
        )

    def _rules(self) -> Rules:
        rules = rules_of(self._settings)
        return rules if self.place is None else replace(rules, pod_headers=self.place.pod_headers)

    def _new_cookies(self, keys: Sequence[str]) -> SessionCookies:
        return cookies_of(self.name if self.place is None else self.place.pool, self._settings, keys)

    def _join_cluster(self, cluster: Cluster) -> None:
        """Starts the writer of deletion costs and the scaler of a Deployment, where they are configured."""
        self._costs = costs = cluster.deletion_costs(self._settings, self.driver.pool, self.driver.clock)
        if costs is not None:
            self._chores.append(costs.run)
            self._turn_watchers.append(costs.began)
        if self._settings.scaling.kubernetes is not None:
            target = cluster.deployment(
                self._settings, self.driver.pool, costs.write_all if costs is not None else anyio.lowlevel.checkpoint
            )
            self._scale(target, {})
            self._chores.append(target.run)

    def _scale(self, target: Target, ceilings: Mapping[str, int]) -> LocalScaler:
        """Gives the pool an autoscaler of its own. `ceilings`: bounds besides those of its settings."""
        self._ceilings = ceilings
        self._scaler = scaler = scaler_of(self.name, self._settings, self.driver, target, ceilings)
        self.driver.on_wait = scaler.poke
        self._chores.append(scaler.run)
        return scaler


def _kind(backends: BackendsSettings) -> str:
    """The name of the one kind that is set."""
    return next(name for name in type(backends).model_fields if getattr(backends, name) is not None)


def _tells_costs(backends: BackendsSettings) -> bool:
    """Deletion costs are written to the pods."""
    service = backends.kubernetes or backends.knative
    return service is not None and service.deletion_cost


def _members(settings: PoolSettings, place: RevisionPlace | None) -> tuple[object, ...]:
    """Everything that decides which backends there are and how they are probed: a change begins
    discovery anew."""
    pods = (place.where, place.believe_unready, place.pod_headers) if place is not None else None
    return settings.backends, settings.readiness, settings.probe, settings.profile, mounts_of(settings), pods
