"""Builds the pools of a gateway and what they share, from the settings, and carries a reload into them.
`serving.py` makes a running server of it.

Nothing is decided here. Each pool is a set of parts with tasks of its own (`pool.py`); all pools share
the endpoint of the traffic port and the observers of ended requests.
"""

from __future__ import annotations

import math
import resource
import secrets
import socket
import time
from functools import partial
from typing import TYPE_CHECKING

import structlog

from gateway.core.routing import Route, Router, bare_host
from gateway.discovery.static import address_of
from gateway.kubernetes.access import NoAccess
from gateway.metrics.backend_errors import BackendErrorsCollector
from gateway.metrics.knative_names import KnativeNamesCollector
from gateway.ops.recent import RecentRequests
from gateway.processes.reaper import adopts_orphans, reap_orphans
from gateway.proxy.clients.bounds import Bounds, ClientBounds
from gateway.proxy.clients.door import MISSING, UNKNOWN, ClientDoor
from gateway.proxy.clients.keys import ClientKeys
from gateway.proxy.endpoint import Endpoint
from gateway.proxy.headers.forwarded import TrustedProxies
from gateway.server.limits import Limits, connections_within
from gateway.server.state import TrafficState
from gateway.settings.load import SettingsError, client_keys, examine, signing_keys
from gateway.wiring.knative import KnativePools
from gateway.wiring.pool import CannotReload, PoolParts
from gateway.wiring.pools import PoolRegistry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import httpx

    from gateway.core.views.record import RequestRecord
    from gateway.core.views.snapshot import PoolView
    from gateway.logs.access_log import AccessLog
    from gateway.metrics.collector import ScalerView
    from gateway.metrics.instruments import Instruments
    from gateway.runtime.background import Background
    from gateway.runtime.driver import Driver
    from gateway.settings.file import Problem
    from gateway.settings.model import ClientsSettings, PoolSettings, Settings
    from gateway.wiring.knative_values import RevisionPlace
    from gateway.wiring.kubernetes import Cluster


def warn(warnings: Iterable[Problem]) -> None:
    """Logs the doubtful settings of a file."""
    for warning in warnings:
        structlog.get_logger().warning(
            "configuration_doubtful",
            what=str(warning),
            do="leave it if it is meant; `gateway check FILE` shows it, too",
        )


def own_name(environ: Mapping[str, str]) -> str:
    """This gateway's name for autoscalers and collectors of traces: the pod's, else the machine's."""
    return environ.get("POD_NAME") or socket.gethostname()


class Gateway:
    """All pools, the endpoint in front of them, and the observers of their requests."""

    def __init__(
        self,
        settings: Settings,
        path: Path,
        environ: Mapping[str, str],
        probes: httpx.AsyncClient,
        cluster: Cluster,
        instruments: Instruments,
        access_log: AccessLog,
        background: Background,
    ) -> None:
        self._settings = settings
        self._path = path
        self._environ = environ
        self._probes = probes
        self._cluster = cluster
        self._instruments = instruments
        self._access_log = access_log
        self._background = background
        self.recent = RecentRequests()
        self.backend_errors = BackendErrorsCollector(self._backend_names)
        self._keys = self._read_keys(settings)
        self._client_keys = client_keys(settings, environ)
        self._stopping = False
        self._pools = PoolRegistry(self._new_pool, background, self._retired)
        pod_name = own_name(environ)
        self.knative = KnativePools(
            cluster,
            self._pools,
            background,
            pod_name=pod_name,
            keys=lambda: self._keys,
            on_change=self._route,
        )
        self.knative_names = (
            KnativeNamesCollector(self.figures, self.knative.names, pod_name)
            if settings.metrics.knative_names
            else None
        )
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
        self.endpoint.door = ClientDoor(None, ClientBounds(Bounds(), {}), instruments.key_refused)
        self.traffic = TrafficState(refused=instruments.protocol_refused, new_id=self.endpoint.arrivals.new_id)
        self.traffic.proxy_protocol = settings.listen.proxy_protocol
        self._apply(settings)
        if adopts_orphans():
            background.start("reaper", reap_orphans)

    # For the operators

    def views(self) -> list[PoolView]:
        """Every pool as it is now, with those who work and wait."""
        return [parts.driver.snapshot() for parts in self._pools.parts.values()]

    def figures(self) -> list[PoolView]:
        """Every pool as it is now, without tickets and sessions: for those who count again and again."""
        return [parts.driver.snapshot(shown=0) for parts in self._pools.parts.values()]

    def drivers(self) -> list[Driver]:
        """The driver of every pool."""
        return [parts.driver for parts in self._pools.parts.values()]

    def scaler_views(self) -> dict[str, ScalerView]:
        """The last decisions of the pools' scalers, by pool."""
        return {name: view for name, parts in self._pools.parts.items() if (view := parts.scaler_view()) is not None}

    def stale(self) -> dict[str, list[str]]:
        """Reasons why the list of each pool's backends may be out of date; empty where it is not."""
        return {name: [*self.knative.stale(name), *parts.stale] for name, parts in self._pools.parts.items()}

    def release(self, pool: str, backend: str) -> bool:
        """Frees the quarantined slots of a backend, by its name, and ends its ejection, for an operator. False: there
        is neither."""
        parts = self._pools.parts.get(pool)
        if parts is None:
            return False
        of_pool = parts.driver.pool
        found = [b.identity for b in of_pool.backends.values() if b.name == backend and of_pool.may_be_released(b)]
        for identity in found:
            parts.driver.release(identity)
        return bool(found)

    def ready(self, *, listening: bool) -> tuple[bool, str]:
        """Requests are taken, and why or why not. A gateway without any backend is ready."""
        if self._stopping:
            return False, "stopping"
        if listening and (pools := self.knative.degraded()):
            return True, f"degraded: the autoscaler does not hear of {', '.join(pools)}"
        return listening, "serving" if listening else "starting"

    # For the life cycle

    def stopping(self) -> None:
        """Lets readiness fail, for load balancers, too; requests are served on."""
        self._stopping = self.endpoint.stopping = True

    def grace_over(self) -> None:
        """Ends what waits and what is at work: the time to stop is over."""
        for parts in self._pools.parts.values():
            parts.driver.stop()
        self.endpoint.stop()

    async def close_children(self) -> None:
        """Stop every process of ours and wait until none is left."""
        await self._pools.close_children()

    def reload(self) -> None:
        """Reads the file and the keys again, on SIGHUP. A file that cannot be used changes nothing, and
        the log says why."""
        log = structlog.get_logger()
        try:
            examined = examine(self._path, self._environ)
            settings = examined.settings
            self._check_reload(settings)
            keys = self._read_keys(settings, self._keys)
            self._client_keys = client_keys(settings, self._environ)
        except (SettingsError, CannotReload) as error:
            log.error(
                "reload_refused",
                why=str(error).splitlines(),
                changed="nothing",
                do="mend the file (`gateway check FILE` says the same) and send SIGHUP again",
            )
            return
        self._keys = keys
        warn(examined.warnings)
        self._apply(settings)
        log.info("reloaded", file=str(self._path), pools=list(settings.pools))

    # Inside

    def _backend_names(self) -> Iterator[tuple[str, str]]:
        for driver in self.drivers():
            for backend in driver.pool.backends.values():
                yield driver.pool.name, backend.name

    def _record(self, record: RequestRecord) -> None:
        self._instruments.observe(record)
        if record.key is not None and record.ending is not None:
            self._instruments.key_request(record.key, record.ending.outcome)
        if self.knative_names is not None:
            self.knative_names.observe(record)
        self._access_log.observe(record)
        self.recent.observe(record)
        self.backend_errors.observe(record)

    def _read_keys(self, settings: Settings, before: Sequence[str] = ()) -> list[str]:
        """The configured signing keys; where there are none, the random key of this process."""
        if keys := signing_keys(settings, self._environ):
            return keys
        if not before:
            structlog.get_logger().warning(
                "session_key_random",
                means="sessions end with this process",
                do="set session.keys_file, or session.keys_env, to keep them",
            )
        return list(before) or [secrets.token_urlsafe(32)]

    def _check_reload(self, settings: Settings) -> None:
        """Raises CannotReload before anything has changed."""
        try:
            self._cluster.check(settings)
        except NoAccess as error:
            raise CannotReload(str(error)) from error
        for section in ("listen", "ops", "log", "metrics", "tracing", "kubernetes", "stop"):
            if getattr(settings, section) != getattr(self._settings, section):
                raise CannotReload(f"{section} has changed: that needs a restart")
        for name, pool in settings.pools.items():
            if name in self._pools.parts:
                self._pools.parts[name].check_reload(pool)
        self.knative.check_reload(settings)
        self._check_takeovers(settings)

    def _check_takeovers(self, settings: Settings) -> None:
        """Raises CannotReload where a backend would move to a second pool while the first still has
        work at it. Two pools of one file with the same backend are refused by `load`."""
        at_work = {name: parts for name, parts in self._pools.parts.items() if parts.has_work}
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
            self._pools.put(name, pool, self._keys)
        self.knative.reload(settings)
        self._let_in(settings)
        self.traffic.limits = _limits(settings)
        self.endpoint.arrivals.trusted = TrustedProxies(
            map(str, settings.trusted_proxies), knative=self.knative.is_in_use
        )
        self.endpoint.answers_probes = self.knative.is_in_use
        self.traffic.is_proxy = self.endpoint.arrivals.trusted.trusts
        self._route()

    def _let_in(self, settings: Settings) -> None:
        """Who may come in, and how much of each at once."""
        door, clients, names = self.endpoint.door, settings.clients, self._client_keys
        assert door is not None
        door.keys = ClientKeys(names, pass_on=clients.pass_on) if clients.keys_file is not None else None
        default = Bounds(clients.max_waiting, clients.max_in_flight)
        door.bounds.refit(default, {name: _bounds_of(name, clients) for name in names.values()})
        if door.keys is not None:
            self._instruments.keys_known(names.values(), (MISSING, UNKNOWN))

    def _route(self) -> None:
        """Brings the pools that exist, and the hosts and paths that lead to them, up to date."""
        pools = self._settings.pools
        self._pools.keep(pools.keys() | self.knative.pool_names())
        self.endpoint.pools = {name: self.knative.split(name) or self._pools.parts[name].served for name in pools}
        self.endpoint.router = Router(self._routes())

    def _routes(self) -> Iterator[Route]:
        """The hosts of the file, and besides those that tags of Knative's are asked for by, if nobody
        has them."""
        taken = {bare_host(host) for pool in self._settings.pools.values() for host in pool.hosts}
        for name, pool in self._settings.pools.items():
            tags = set(self.knative.hosts(name)) - taken if pool.hosts else set()
            taken |= tags
            yield Route(name, (*pool.hosts, *sorted(tags)), pool.path_prefix)

    def _retired(self, name: str, place: RevisionPlace | None) -> None:
        """Forgets a pool that is gone. A pool of the file may come back, so its counters stay; a
        revision does not."""
        self.knative.retired(name)
        self.recent.forget(name)
        if place is not None:
            self._instruments.forget(name)
            if self.knative_names is not None:
                self.knative_names.forget(name)

    def _new_pool(
        self, name: str, settings: PoolSettings, keys: Sequence[str], place: RevisionPlace | None
    ) -> PoolParts:
        secrets_of_ours = (self._settings.session.keys_env, self._settings.ops.token_env)
        inherited = {key: value for key, value in self._environ.items() if key not in secrets_of_ours}
        self._instruments.begin(name)
        cold_start = partial(self._instruments.cold_start, name)
        return PoolParts(name, settings, keys, inherited, self._probes, cold_start, self._cluster, place)


def _bounds_of(name: str, clients: ClientsSettings) -> Bounds:
    return Bounds(
        clients.max_waiting_of.get(name, clients.max_waiting), clients.max_in_flight_of.get(name, clients.max_in_flight)
    )


def _limits(settings: Settings) -> Limits:
    """The limits of the traffic port's connections. A request's pool is known only when its headers are
    read, so the longest `timeouts.headers` of all pools holds."""
    headers = max((pool.timeouts.headers for pool in settings.pools.values()), default=10.0)
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    connections = settings.listen.max_connections or connections_within(descriptors)
    return Limits(
        connections=connections,
        connections_per_address=settings.listen.max_connections_per_address or math.ceil(connections / 2),
        rejected=math.ceil(connections / 8),
        header_timeout=headers,
        idle_timeout=settings.listen.keep_alive,
    )
