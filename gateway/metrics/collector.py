"""Gauges, read from the pools' snapshots at each scrape: no fact is counted twice, and a backend's series end with it.
What a pool counts itself is passed on as counters. Keeps no state.

An unknown figure (`None`) has no series: a guess is never shown as a zero.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypedDict, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from gateway.core.records.counts import Counts
    from gateway.core.views.snapshot import BackendView, PoolView

    Family = GaugeMetricFamily | CounterMetricFamily

_View = TypeVar("_View")


class ScalerView(TypedDict):
    """The last decision of a pool's autoscaler, and its inputs."""

    desired: int  # backends
    ready: int  # backends it reckoned with
    stable: float | None  # concurrency, averaged over the stable window; None: no data
    panic: float | None  # the same over the panic window
    in_panic: bool
    bound: str | None  # the limit that changed what the averages asked for; None: none did


class SnapshotCollector(Collector):
    """Reads the views anew at each scrape. Must be called on the event loop, where the pools live."""

    def __init__(
        self, views: Callable[[], Iterable[PoolView]], scalers: Callable[[], Mapping[str, ScalerView]]
    ) -> None:
        self._views = views
        self._scalers = scalers

    def collect(self) -> Iterator[Family]:
        """All families with their samples."""
        return _families({view.name: view for view in self._views()}, self._scalers())

    def describe(self) -> Iterator[Family]:
        """All families, empty: the registry refuses a name that is taken."""
        return _families({}, {})


def _families(pools: Mapping[str, PoolView], scalers: Mapping[str, ScalerView]) -> Iterator[Family]:
    for name, text, figure in _POOL_GAUGES:
        yield _family(GaugeMetricFamily(name, text, labels=["pool"]), pools, figure)
    for name, text, label, figures in _POOL_SPREADS:
        yield _spread_family(GaugeMetricFamily(name, text, labels=["pool", label]), pools, figures)
    for name, text, count in _POOL_COUNTERS:
        counts = {pool: view.counts for pool, view in pools.items()}
        yield _family(CounterMetricFamily(name, text, labels=["pool"]), counts, count)
    for name, text, scaled in _SCALER_GAUGES:
        yield _family(GaugeMetricFamily(name, text, labels=["pool"]), scalers, scaled)
    name, text, label, bound = _SCALER_BOUND
    yield _spread_family(GaugeMetricFamily(name, text, labels=["pool", label]), scalers, bound)


def _family(family: Family, views: Mapping[str, _View], figure: Callable[[_View], float | None]) -> Family:
    for pool, view in views.items():
        if (value := figure(view)) is not None:
            family.add_metric([pool], float(value))
    return family


def _spread_family(family: Family, views: Mapping[str, _View], figures: Callable[[_View], Mapping[str, int]]) -> Family:
    for pool, view in views.items():
        for label, value in figures(view).items():
            family.add_metric([pool, label], float(value))
    return family


def _slots_by_state(pool: PoolView) -> Mapping[str, int]:
    free = {"free": pool.free} if pool.free >= 0 else {}  # without a limit the number of free slots is unknown
    return {**free, "in_flight": pool.in_flight, "quarantined": pool.quarantined}


def _backends_by_state(pool: PoolView) -> Mapping[str, int]:
    none = dict.fromkeys(("starting", "ready", "suspect", "ejected", "draining", "gone"), 0)
    return {**none, **Counter(backend.state for backend in pool.backends)}


def _by_backend(figure: Callable[[BackendView], int]) -> Callable[[PoolView], Mapping[str, int]]:
    """Figures by backend, summed by name: a pod and its successor may have the same name for a while."""

    def figures(pool: PoolView) -> Mapping[str, int]:
        sums = Counter[str]()
        for backend in pool.backends:
            sums[backend.name] += figure(backend)
        return sums

    return figures


# One series a pool: name, help, figure.
_POOL_GAUGES: tuple[tuple[str, str, Callable[[PoolView], float | None]], ...] = (
    ("gateway_in_flight_requests", "Requests that hold a slot.", lambda pool: pool.in_flight),
    ("gateway_demand_requests", "Requests that a scaler must provide pods for.", lambda pool: pool.demand),
    (
        "gateway_uploading_requests",
        "Places in line kept for requests whose body is being read.",
        lambda pool: pool.line.uploading,
    ),
    ("gateway_line_limit_requests", "The most requests that may wait.", lambda pool: pool.line.limit),
    ("gateway_line_held_bytes", "Bytes of bodies held.", lambda pool: pool.line.bytes_held),
    ("gateway_line_limit_bytes", "The most bytes of bodies that may be held.", lambda pool: pool.line.bytes_limit),
    ("gateway_oldest_wait_seconds", "Age of the oldest in line; 0: nobody waits.", lambda pool: pool.line.oldest or 0),
    ("gateway_expected_wait_seconds", "Expected wait of a new request.", lambda pool: pool.line.expected_wait),
    ("gateway_sessions_live", "Sessions that are live.", lambda pool: pool.sessions_live),
    ("gateway_pool_cold", "1 while no backend is ready.", lambda pool: pool.cold),
    ("gateway_consecutive_start_failures", "Starts that died in a row.", lambda pool: pool.start_failures),
)

# Several series a pool: name, help, label, figures by the label's value.
_POOL_SPREADS: tuple[tuple[str, str, str, Callable[[PoolView], Mapping[str, int]]], ...] = (
    (
        "gateway_waiting_requests",
        "Requests in line.",
        "lane",
        lambda pool: {"counted": pool.line.waiting, "exempt": pool.line.waiting_exempt},
    ),
    ("gateway_slots", "Slots by state.", "state", _slots_by_state),
    ("gateway_backends", "Backends by state.", "state", _backends_by_state),
    (
        "gateway_backend_in_flight_requests",
        "Requests that hold a slot of the backend.",
        "backend",
        _by_backend(lambda backend: backend.in_flight),
    ),
    (
        "gateway_backend_uncounted_requests",
        "Requests that the backend answers without a slot.",
        "backend",
        _by_backend(lambda backend: backend.exempt),
    ),
    (
        "gateway_backend_waiting_requests",
        "Requests that wait for this backend and no other.",
        "backend",
        _by_backend(lambda backend: backend.waiting),
    ),
    (
        "gateway_backend_quarantined_slots",
        "Slots whose request is over for us but perhaps not for the backend.",
        "backend",
        _by_backend(lambda backend: backend.quarantined),
    ),
    (
        "gateway_backend_sessions_live",
        "Live sessions whose home the backend is.",
        "backend",
        _by_backend(lambda backend: backend.sessions),
    ),
)

# What the pool has counted since the gateway started: name, help, count.
_POOL_COUNTERS: tuple[tuple[str, str, Callable[[Counts], int]], ...] = (
    ("gateway_affinity_hits_total", "Turns of a session at its home.", lambda counts: counts.affinity_hits),
    (
        "gateway_affinity_spills_total",
        "Turns of a session elsewhere, as its home was busy.",
        lambda counts: counts.affinity_spills,
    ),
    ("gateway_affinity_moves_total", "Sessions that got another home.", lambda counts: counts.affinity_moves),
    (
        "gateway_model_switches_total",
        "Turns for which a backend had to load another model than the one it was known to have.",
        lambda counts: counts.model_switches,
    ),
    ("gateway_give_backs_total", "Turns given back before a byte was written.", lambda counts: counts.give_backs),
    (
        "gateway_ejections_total",
        "Times that a backend was left without requests for a while, because its answers failed.",
        lambda counts: counts.ejections,
    ),
    (
        "gateway_ejections_spared_total",
        "Times that a backend whose answers failed was not ejected, as too few others were ready.",
        lambda counts: counts.ejections_spared,
    ),
    ("gateway_quarantines_total", "Slots put into quarantine.", lambda counts: counts.quarantines),
    (
        "gateway_quarantine_expired_total",
        "Quarantines that ended by time alone: from there it is an assumption that the backend works on one at a time.",
        lambda counts: counts.quarantines_expired,
    ),
    ("gateway_cold_starts_total", "Times that demand met no ready backend.", lambda counts: counts.cold_starts),
    (
        "gateway_cold_starts_watched_total",
        "Cold starts of which somebody was told by a page.",
        lambda counts: counts.starts_watched,
    ),
    ("gateway_starts_failed_total", "Starts of a backend that died.", lambda counts: counts.starts_failed),
    (
        "gateway_exclusivity_broken_total",
        "Grants beyond a backend's limit: a defect of the gateway.",
        lambda counts: counts.exclusivity_broken,
    ),
    (
        "gateway_order_broken_total",
        "Grants past somebody who had come earlier and could have had the slot: a defect of the gateway.",
        lambda counts: counts.order_broken,
    ),
)

_SCALER_GAUGES: tuple[tuple[str, str, Callable[[ScalerView], float | None]], ...] = (
    ("gateway_autoscaler_desired_backends", "Backends that are wanted.", lambda scaler: scaler["desired"]),
    (
        "gateway_autoscaler_ready_backends",
        "Ready backends that the decision took into account.",
        lambda scaler: scaler["ready"],
    ),
    ("gateway_autoscaler_stable_requests", "Average concurrency, stable window.", lambda scaler: scaler["stable"]),
    ("gateway_autoscaler_panic_requests", "Average concurrency, panic window.", lambda scaler: scaler["panic"]),
    ("gateway_autoscaler_panicking", "1 while in panic mode.", lambda scaler: scaler["in_panic"]),
)

_SCALER_BOUND: tuple[str, str, str, Callable[[ScalerView], Mapping[str, int]]] = (
    "gateway_autoscaler_bound",
    "1 for the limit that changed what the averages asked for.",
    "bound",
    lambda scaler: {scaler["bound"]: 1} if scaler["bound"] else {},
)
