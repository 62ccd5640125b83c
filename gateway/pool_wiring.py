"""Everything that one pool is made of, put together and kept together through a reload. Decides nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import anyio
import structlog

from gateway.core.pool import Pool
from gateway.core.scaling.local import LocalEvaluation
from gateway.discovery.departures import Departures
from gateway.discovery.dns import DnsBackends
from gateway.discovery.local_processes import LocalProcesses
from gateway.discovery.static import StaticBackends
from gateway.pool_values import autoscaling_of, cookies_of, policy_of, profile_of, rules_of
from gateway.probing.probes import HttpProbe, IdlenessProbe, TcpProbe
from gateway.probing.readiness import Cadence
from gateway.probing.watch import BackendWatch
from gateway.processes.launcher import Launcher
from gateway.profiles.treatment import Readiness
from gateway.proxy.served_pool import ServedPool
from gateway.runtime.driver import Driver
from gateway.scaling.local import LocalScaler
from gateway.scaling.process_target import ProcessTarget
from gateway.upstream.dialer import Dialer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import httpx

    from gateway.core.backend import Listed
    from gateway.discovery.source import Source
    from gateway.metrics.collector import ScalerView
    from gateway.settings import PoolSettings


class CannotReload(Exception):
    """What changed in the file needs a restart."""


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
    ) -> None:
        """`inherited`: the environment of its processes, if it has any."""
        self.name = name
        self._settings = settings
        self._probes = probes
        self._profile = profile_of(settings)
        now = time.monotonic()
        self.driver = Driver(Pool(name, policy_of(settings, self._profile), now), time.monotonic, on_warmed=on_warmed)
        self._dialers: list[Dialer] = []  # the last one is in use; exchanges may go on in those before it
        self.served = ServedPool(
            name, self.driver, self._profile, cookies_of(name, settings, keys), self._new_dialer(), rules_of(settings)
        )
        self._reports = Departures(self.driver, self._forget)
        self._watch = self._new_watch()
        self.fleet: LocalProcesses | None = None
        self._scaler: LocalScaler | None = None
        self._closing = False
        # While it runs. Not made here: a reload makes new pools in a signal's callback, where there is no task.
        self._scope: anyio.CancelScope | None = None
        self._source_scope: anyio.CancelScope | None = None
        if settings.backends.processes is not None:
            self.fleet = self._new_fleet(inherited)
            self._scaler = self._new_scaler(self.fleet)
            self.driver.on_wait = self._scaler.poke
            self.fleet.on_death = self._scaler.reapply
        if self._profile.idle is None and self.fleet is None:
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
                    tasks.start_soon(self.driver.run)
                    if self._scaler is not None:
                        tasks.start_soon(self._scaler.run)
                    while True:
                        with anyio.CancelScope() as self._source_scope:
                            await self._source().run()
            finally:
                for dialer in self._dialers:
                    dialer.close()

    @property
    def has_work(self) -> bool:
        """A request is in it, in whatever lane, or a backend may still be at work for one."""
        pool = self.driver.pool
        in_line = pool.waiting or pool.waiting_exempt or pool.budget.uploading
        return bool(in_line) or any(not backend.is_done for backend in pool.backends.values())

    async def close(self) -> None:
        """It is over, for good: its processes are stopped, and `run` returns."""
        self._closing = True
        if self.fleet is not None:
            await self.fleet.close()
        if self._scope is not None:
            self._scope.cancel()

    def scaler_view(self) -> ScalerView | None:
        """What its scaler last thought; None: it has none, or it has not thought yet."""
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

    def check_reload(self, settings: PoolSettings) -> None:
        """Raises CannotReload if `reload` cannot do this without dropping requests."""
        if self._closing:
            raise CannotReload(f"pools.{self.name}: the processes of the one that was removed are still being stopped")
        old, new = self._settings.backends, settings.backends
        where = f"pools.{self.name}.backends"
        if [kind is None for kind in (old.static, old.dns, old.processes)] != [
            kind is None for kind in (new.static, new.dns, new.processes)
        ]:
            raise CannotReload(f"{where}: another kind of backends needs a restart")
        if old.processes is not None and new.processes is not None:
            same = {"max": old.processes.max}
            if new.processes.model_copy(update=same) != old.processes:
                raise CannotReload(f"{where}.processes: only max can change without a restart")

    def reload(self, settings: PoolSettings, keys: Sequence[str]) -> None:
        """New settings and keys, from the next request on. No request is dropped."""
        old, self._settings = self._settings, settings
        self._profile = profile_of(settings)
        self.driver.refit(policy_of(settings, self._profile))
        served = self.served
        served.profile, served.rules = self._profile, rules_of(settings)
        if (old.timeouts.connect, old.timeouts.keep_alive) != (settings.timeouts.connect, settings.timeouts.keep_alive):
            served.upstream = self._new_dialer()
        if old.affinity == settings.affinity:
            served.cookies.rotate(keys)
        else:
            served.cookies = cookies_of(self.name, settings, keys)
        self._watch = self._new_watch()
        if self.fleet is not None and self._scaler is not None and settings.backends.processes is not None:
            self.fleet.most = settings.backends.processes.max
            self.fleet.start_timeout = settings.cold_start.timeout
            self._scaler.reconfigure(autoscaling_of(settings), settings.concurrency, self.fleet.ceilings)
        elif self._source_scope is not None and (old.backends, old.readiness, old.profile) != (
            settings.backends,
            settings.readiness,
            settings.profile,
        ):
            self._source_scope.cancel()  # and a new one begins

    # Parts

    def _source(self) -> Source:
        backends = self._settings.backends
        if self.fleet is not None:
            return self.fleet
        if backends.dns is not None:
            dns = backends.dns
            return DnsBackends(dns.name, dns.port, self._reports, self._look_after, interval=dns.interval)
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
            if self.fleet is None:  # the fleet tells its own story
                (log.info if ready else log.warning)("backend_ready" if ready else "backend_not_ready")

        await self._watch(backend, tell)

    def _new_watch(self) -> BackendWatch:
        settings, idle = self._settings.readiness, self._profile.idle
        readiness = self._profile.readiness
        if settings.tcp:
            readiness = Readiness("tcp")
        elif settings.http is not None:
            readiness = Readiness("http", settings.http)
        probe: HttpProbe | TcpProbe = TcpProbe(settings.timeout)
        if readiness.kind == "http":
            probe = HttpProbe(
                self._probes, readiness.path, readiness.accepts, light=readiness.light, timeout=settings.timeout
            )
        backends = self.driver.pool.backends
        return BackendWatch(
            probe=probe,
            cadence=Cadence(settings.initial_delay, settings.period, failure_threshold=settings.failure_threshold),
            idle_probe=IdlenessProbe(self._probes, idle.path, idle.says_idle, timeout=settings.timeout)
            if idle is not None
            else None,
            is_busy=lambda identity: (b := backends.get(identity)) is not None and bool(b.in_flight or b.quarantines),
            is_quarantined=lambda identity: (b := backends.get(identity)) is not None and bool(b.quarantines),
            reports=self.driver,
            clock=self.driver.clock,
        )

    def _new_fleet(self, inherited: Mapping[str, str]) -> LocalProcesses:
        processes = self._settings.backends.processes
        assert processes is not None
        launcher = Launcher(
            processes.command,
            log_dir=processes.log_dir / self.name,
            inherited=inherited,
            env=processes.env,
            gpus=processes.gpus,
            host=processes.host,
            stop_grace=processes.stop_grace,
        )
        return LocalProcesses(
            self.name,
            launcher,
            self._reports,
            self._look_after,
            most=processes.max,
            start_timeout=self._settings.cold_start.timeout,
        )

    def _new_scaler(self, fleet: LocalProcesses) -> LocalScaler:
        pool, driver = self.driver.pool, self.driver
        evaluation = LocalEvaluation(
            pool.load, autoscaling_of(self._settings), self._settings.concurrency, fleet.ceilings
        )
        target = ProcessTarget(
            fleet,
            take_for_removal=driver.take_for_removal,
            starting=pool.starting,
            overdue=lambda: pool.overdue_quarantines(self._settings.quarantine.replace_after, driver.clock()),
            waiting=lambda: pool.wanted,
        )
        return LocalScaler(
            self.name,
            evaluation,
            target,
            clock=driver.clock,
            waiting=lambda: pool.wanted,
            ready=lambda: pool.ready_count,
        )
