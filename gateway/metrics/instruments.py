"""Counters and histograms of what has happened, each fed once by whoever saw it. No gauges: what *is* is read from the
pools' snapshots by `collector.py`. Every label is a word of ours, never a client's string.

What each request adds is in `counters.py`; the rest is rare, and prometheus-client's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector

from gateway.metrics.counters import BUCKETS, RequestCounters

if TYPE_CHECKING:
    from collections.abc import Sequence


def new_registry() -> CollectorRegistry:
    """A registry that is nobody else's, with the process's and the interpreter's own figures in it."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


class Instruments:
    """All that is counted as it happens. Any thread may call; nothing blocks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, labels: Sequence[str] = ()) -> Counter:
            return Counter(name, text, labels, registry=registry)

        self._tallies = RequestCounters()
        registry.register(self._tallies)
        self.observe = self._tallies.observe  # a request has ended: see there
        self.session_cookie = self._tallies.session_cookie  # one was read: see there
        self._cold_starts = Histogram(
            "gateway_cold_start_seconds",
            "From demand that met no ready backend to the first ready one.",
            ("pool",),
            registry=registry,
            buckets=BUCKETS,
        )
        self._refused = counter(
            "gateway_protocol_refused_total",
            "Requests refused by the listening side before any pool was asked. They are in no other counter.",
            ("reason",),
        )
        self._lines_dropped = counter(
            "gateway_access_lines_dropped_total",
            "Access lines lost because their reader is too slow, the disk is full or the output is closed.",
        )
        self._events_dropped = counter(
            "gateway_event_lines_dropped_total",
            "Lines of events lost for the same reasons.",
        )

    def forget(self, pool: str) -> None:
        """The pool is no more, and nobody will be called so again: its series end, or revisions would pile them up."""
        self._tallies.forget(pool)
        self._cold_starts.remove(pool)

    def cold_start(self, pool: str, seconds: float) -> None:
        """A pool met demand with no ready backend, and so many seconds later had one."""
        self._cold_starts.labels(pool).observe(seconds)

    def protocol_refused(self, reason: str) -> None:
        """The listening side refused a request. `reason` is one of its few words."""
        self._refused.labels(reason).inc()

    def lines_dropped(self, count: int) -> None:
        """So many access lines were lost."""
        self._lines_dropped.inc(count)

    def events_dropped(self, count: int) -> None:
        """So many lines of events were lost."""
        self._events_dropped.inc(count)
