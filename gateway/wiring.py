"""The composition root: settings in, a running gateway out. The only file that knows everybody.

Nothing is decided here. Each pool is a set of parts (`PoolParts`) with tasks of its own; around them stand the endpoint
of the traffic port, the operators' app and the life cycle.
"""

from __future__ import annotations

import secrets
import sys
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import anyio
import structlog

from gateway.core.policy import Policy
from gateway.core.pool import Pool
from gateway.core.routing import Route, Router
from gateway.core.scaling.local import Autoscaling, LocalEvaluation
from gateway.discovery.dns import DnsBackends
from gateway.discovery.local_processes import LocalProcesses
from gateway.discovery.static import StaticBackends, address_of
from gateway.logs import is_console
from gateway.metrics.collector import SnapshotCollector
from gateway.metrics.instruments import Instruments, new_registry
from gateway.ops.app import operators_app
from gateway.probing.control_client import new_client
from gateway.probing.probes import HttpProbe, IdlenessProbe, TcpProbe
from gateway.probing.readiness import Cadence
from gateway.probing.watch import BackendWatch
from gateway.processes.launcher import Launcher
from gateway.processes.reaper import adopts_orphans, reap_orphans
from gateway.profiles.registry import profile
from gateway.profiles.rules import rule
from gateway.profiles.treatment import Readiness
from gateway.proxy.access_log import AccessLog
from gateway.proxy.endpoint import Endpoint
from gateway.proxy.forwarded import TrustedProxies
from gateway.proxy.line_writer import LineWriter
from gateway.proxy.served_pool import OnClientGone, Rules, ServedPool
from gateway.proxy.session_cookie import SessionCookies
from gateway.runtime.background import Background
from gateway.runtime.driver import Driver
from gateway.scaling.local import LocalScaler
from gateway.scaling.process_target import ProcessTarget
from gateway.server.lifecycle import Hooks, Lifecycle
from gateway.server.limits import Limits
from gateway.server.listener import bind, operators_listener, traffic_listener
from gateway.server.state import TrafficState
from gateway.settings import SettingsError, load, session_keys
from gateway.upstream.dialer import Dialer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import httpx

    from gateway.core.backend import Listed
    from gateway.core.record import RequestRecord
    from gateway.core.snapshot import PoolView
    from gateway.discovery.source import Source
    from gateway.metrics.collector import ScalerView
    from gateway.profiles.treatment import Profile
    from gateway.settings import PoolSettings, Settings

#: Seconds between two looks whether a pool that was taken out of the configuration is done.
_LOOK_EVERY = 0.5


class CannotReload(Exception):
    """What changed in the file needs a restart."""


async def serve(settings: Settings, path: Path, environ: Mapping[str, str]) -> None:
    """Run the gateway until it is told to stop. Raises CannotListen before anything was started."""
    traffic_socket = bind(settings.listen.host, settings.listen.port)
    operators_socket = bind(settings.ops.host, settings.ops.port)
    with ExitStack() as stack:
        instruments = Instruments(registry := new_registry())
        lines = stack.enter_context(LineWriter(sys.stdout.fileno(), instruments.lines_dropped))
        access_log = AccessLog(lines.write, console=is_console(settings.log.format, sys.stdout))
        async with new_client() as probes, anyio.create_task_group() as tasks:
            gateway = Gateway(settings, path, environ, probes, instruments, access_log, Background(tasks))
            registry.register(SnapshotCollector(gateway.views, gateway.scaler_views))
            lifecycle = Lifecycle(
                traffic=traffic_listener(traffic_socket, gateway.endpoint, gateway.traffic),
                shared=gateway.traffic,
                operators=operators_listener(
                    operators_socket,
                    operators_app(
                        views=gateway.views,
                        scaler_views=gateway.scaler_views,
                        registry=registry,
                        ready=lambda: gateway.ready(listening=lifecycle.is_listening),
                        release=gateway.release,
                    ),
                ),
                hooks=Hooks(gateway.stopping, gateway.grace_over, gateway.close_children, gateway.reload),
                delay=settings.stop.delay,
                grace=settings.stop.grace,
            )
            await lifecycle.serve()
            tasks.cancel_scope.cancel()


class Gateway:
    """The pools, and what they share."""

    def __init__(
        self,
        settings: Settings,
        path: Path,
        environ: Mapping[str, str],
        probes: httpx.AsyncClient,
        instruments: Instruments,
        access_log: AccessLog,
        background: Background,
    ) -> None:
        self.traffic = TrafficState(refused=instruments.protocol_refused)
        self._settings = settings
        self._path = path
        self._environ = environ
        self._probes = probes
        self._instruments = instruments
        self._access_log = access_log
        self._background = background
        self._keys = self._read_keys(settings)
        self._parts: dict[str, PoolParts] = {}
        self._retiring: set[str] = set()  # those of the parts that left the configuration
        self._stopping = False
        self.endpoint = Endpoint(
            Router([]),
            {},
            trusted=TrustedProxies([]),
            health_path=settings.listen.health_path,
            id_prefix=f"{secrets.token_hex(4)}-",
            clock=time.monotonic,
            record=self._record,
            cookie_seen=instruments.session_cookie,
            spawn=background.start,
        )
        self._apply(settings)
        if adopts_orphans():
            background.start("reaper", reap_orphans)

    # For the operators

    def views(self) -> list[PoolView]:
        """Every pool as it is now."""
        return [parts.driver.snapshot() for parts in self._parts.values()]

    def scaler_views(self) -> dict[str, ScalerView]:
        """What the scalers of the pools that have one last thought."""
        return {name: view for name, parts in self._parts.items() if (view := parts.scaler_view()) is not None}

    def release(self, pool: str, backend: str) -> bool:
        """An operator frees the quarantined slots of a backend, by its name. False: there are none."""
        parts = self._parts.get(pool)
        if parts is None:
            return False
        found = [b.identity for b in parts.driver.pool.backends.values() if b.name == backend and b.quarantines]
        for identity in found:
            parts.driver.release(identity)
        return bool(found)

    def ready(self, *, listening: bool) -> tuple[bool, str]:
        """Whether requests are taken, and why or why not. Holding no backend is ready."""
        if self._stopping:
            return False, "stopping"
        return listening, "serving" if listening else "starting"

    # For the life cycle

    def stopping(self) -> None:
        """Readiness fails; everything else goes on."""
        self._stopping = True

    def grace_over(self) -> None:
        """Nothing is waited for any longer."""
        for parts in self._parts.values():
            parts.driver.stop()
        self.endpoint.stop()

    async def close_children(self) -> None:
        """Stop every process of ours and wait until none is left."""
        async with anyio.create_task_group() as tasks:
            for parts in self._parts.values():
                if parts.fleet is not None:
                    tasks.start_soon(parts.fleet.close)

    def reload(self) -> None:
        """SIGHUP: read the file and the keys again. What cannot be used changes nothing, and the log says why."""
        log = structlog.get_logger()
        try:
            settings = load(self._path, self._environ)
            self._check_reload(settings)
            keys = self._read_keys(settings, self._keys)
        except (SettingsError, CannotReload) as error:
            log.error("reload_refused", why=str(error).splitlines())
            return
        self._keys = keys
        self._apply(settings)
        log.info("reloaded", file=str(self._path), pools=list(settings.pools))

    # Inside

    def _record(self, record: RequestRecord) -> None:
        self._instruments.observe(record)
        self._access_log.observe(record)

    def _read_keys(self, settings: Settings, before: Sequence[str] = ()) -> list[str]:
        """The keys of the file; without any, the random one of this process."""
        if keys := session_keys(settings, self._environ):
            return keys
        if not before:
            structlog.get_logger().warning(
                "session_key_random", means="sessions end with this process; set session.keys_file to keep them"
            )
        return list(before) or [secrets.token_urlsafe(32)]

    def _check_reload(self, settings: Settings) -> None:
        """Raises CannotReload, before anything has changed."""
        for section in ("listen", "ops", "log", "stop"):
            if getattr(settings, section) != getattr(self._settings, section):
                raise CannotReload(f"{section} has changed: that needs a restart")
        for name, pool in settings.pools.items():
            if name in self._parts:
                self._parts[name].check_reload(pool)
        self._check_takeovers(settings)

    def _check_takeovers(self, settings: Settings) -> None:
        """No backend works for two pools: neither within a file, which `load` sees to, nor from one to the next."""
        at_work = {name: parts for name, parts in self._parts.items() if parts.has_work}
        owners = {identity: name for name, parts in at_work.items() for identity in parts.driver.pool.backends}
        for name, pool in settings.pools.items():
            for address in map(address_of, pool.backends.static or ()):
                if (owner := owners.get(address, name)) != name:
                    raise CannotReload(
                        f"pools.{name}.backends.static: pool {owner} still works with {address}; take it out of that "
                        "first, and add it here when it is done there"
                    )

    def _apply(self, settings: Settings) -> None:
        self._settings = settings
        for name, pool in settings.pools.items():
            if name in self._parts:
                self._parts[name].reload(pool, self._keys)
            else:
                self._add(name, pool)
        for name in self._parts.keys() - settings.pools.keys() - self._retiring:
            self._retiring.add(name)
            self._background.start(f"retire {name}", partial(self._retire, name))
        self.traffic.limits = _limits(settings)
        self.endpoint.pools = {name: self._parts[name].served for name in settings.pools}
        self.endpoint.router = Router(
            Route(name, pool.hosts, pool.path_prefix) for name, pool in settings.pools.items()
        )
        self.endpoint.trusted = TrustedProxies(map(str, settings.trusted_proxies))

    def _add(self, name: str, pool: PoolSettings) -> None:
        secret = self._settings.session.keys_env
        inherited = {key: value for key, value in self._environ.items() if key != secret}
        cold_start = partial(self._instruments.cold_start, name)
        parts = PoolParts(name, pool, self._keys, inherited, self._probes, cold_start)
        self._parts[name] = parts
        self._background.start(f"pool {name}", parts.run)

    async def _retire(self, name: str) -> None:
        """A pool that left the configuration gets no new requests; those it has are served. If it comes back
        meanwhile, it was never away: a second one beside it would give its backends work of its own."""
        parts = self._parts[name]
        while parts.has_work and name not in self._settings.pools:  # noqa: ASYNC110  # rare, and minutes long
            await anyio.sleep(_LOOK_EVERY)
        if name not in self._settings.pools:
            await parts.close()
            del self._parts[name]
            structlog.get_logger().info("pool_retired", pool=name)
        self._retiring.remove(name)


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
        self._profile = _profile(settings)
        now = time.monotonic()
        self.driver = Driver(Pool(name, policy_of(settings, self._profile), now), time.monotonic, on_warmed=on_warmed)
        self._dialers: list[Dialer] = []  # the last one is in use; exchanges may go on in those before it
        self.served = ServedPool(
            name, self.driver, self._profile, _cookies(name, settings, keys), self._new_dialer(), rules_of(settings)
        )
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
        return bool(pool.demand or pool.budget.uploading or any(b.uncounted for b in pool.backends.values()))

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
        self._profile = _profile(settings)
        self.driver.refit(policy_of(settings, self._profile))
        served = self.served
        served.profile, served.rules = self._profile, rules_of(settings)
        if (old.timeouts.connect, old.timeouts.keep_alive) != (settings.timeouts.connect, settings.timeouts.keep_alive):
            served.upstream = self._new_dialer()
        if old.affinity == settings.affinity:
            served.cookies.rotate(keys)
        else:
            served.cookies = _cookies(self.name, settings, keys)
        self._watch = self._new_watch()
        if self.fleet is not None and self._scaler is not None and settings.backends.processes is not None:
            self.fleet.most = settings.backends.processes.max
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
            return DnsBackends(dns.name, dns.port, self.driver, self._look_after, interval=dns.interval)
        return StaticBackends(backends.static or (), self.driver, self._look_after)

    def _new_dialer(self) -> Dialer:
        timeouts = self._settings.timeouts
        self._dialers.append(Dialer(connect_timeout=timeouts.connect, idle_reuse=timeouts.keep_alive))
        return self._dialers[-1]

    async def _look_after(self, backend: Listed, report: Callable[[bool], None]) -> None:
        """The watch in force when the backend came."""
        await self._watch(backend, report)

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
            self.driver,
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


def _limits(settings: Settings) -> Limits:
    """Of the traffic port's connections. A pool is known only when the headers are read, so the most patient one's
    timeout holds for all."""
    headers = max((pool.timeouts.headers for pool in settings.pools.values()), default=10.0)
    return Limits(header_timeout=headers, idle_timeout=settings.listen.keep_alive)


def _profile(settings: PoolSettings) -> Profile:
    rules = [rule(each.match, each.lane, each.when_busy, repeatable=each.repeatable) for each in settings.rules]
    return profile(settings.profile, rules)


def policy_of(settings: PoolSettings, its_profile: Profile) -> Policy:
    """What the core is told."""
    affinity, quarantine = settings.affinity, settings.quarantine
    return Policy(
        limit=settings.concurrency,
        balancing=settings.balancing,
        line_limit=settings.queue.limit,
        bytes_limit=settings.queue.bytes,
        queue_timeout=settings.queue.timeout,
        cold_timeout=settings.cold_start.timeout,
        session_ttl=affinity.ttl,
        session_capacity=affinity.sessions,
        spill_after=affinity.spill_after,
        move_after=affinity.move_after,
        can_ask=its_profile.idle is not None,
        unknown_for=settings.timeouts.total if quarantine.max is None else quarantine.max,
    )


def rules_of(settings: PoolSettings) -> Rules:
    """What the endpoint is told."""
    timeouts = settings.timeouts
    return Rules(
        when_busy=settings.affinity.when_busy,
        max_body=settings.max_body,
        body_idle=timeouts.body_idle,
        response_start=timeouts.response_start,
        idle=timeouts.idle,
        write_stall=timeouts.write_stall,
        total=timeouts.total,
        drain_timeout=settings.drain_timeout,
        quarantine_max=settings.quarantine.max,
        response_spool=settings.response_spool,
        on_client_gone=OnClientGone(settings.on_client_gone),
        longest_wait=settings.queue.timeout + settings.cold_start.timeout,
        expose_backend=settings.expose_backend,
    )


def _cookies(name: str, settings: PoolSettings, keys: Sequence[str]) -> SessionCookies:
    affinity = settings.affinity
    return SessionCookies(
        keys, pool=name, name=affinity.cookie, ttl=int(affinity.ttl), new_id=partial(secrets.token_urlsafe, 16)
    )


def autoscaling_of(settings: PoolSettings) -> Autoscaling:
    """What the autoscaler is told."""
    told = settings.autoscaling
    return Autoscaling(
        min_scale=told.min_scale,
        max_scale=told.max_scale,
        initial_scale=told.initial_scale,
        activation_scale=told.activation_scale or 0,
        target=told.target,
        target_utilization_percentage=told.target_utilization_percentage,
        target_burst_capacity=told.target_burst_capacity,
        window=told.window,
        panic_window_percentage=told.panic_window_percentage,
        panic_threshold_percentage=told.panic_threshold_percentage,
        scale_down_delay=told.scale_down_delay,
        scale_to_zero_pod_retention_period=told.scale_to_zero_pod_retention_period,
        metric_aggregation_algorithm=told.metric_aggregation_algorithm,
    )
