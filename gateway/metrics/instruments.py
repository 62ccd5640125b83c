"""Counters and histograms of what has happened, each fed by the one place that saw it. Gauges are `collector.py`'s,
read from the pools' snapshots. Every label is a word of ours, never a client's string.

What each request adds is counted in `counters.py`; the rest is rare, and counted by prometheus-client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector

from gateway.core.records.decisions import Outcome
from gateway.metrics.counters import BUCKETS, RequestCounters

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def new_registry() -> CollectorRegistry:
    """A registry of this gateway's own, with the figures of its process and interpreter."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


class Instruments:
    """All that is counted as it happens. Any thread may call; nothing blocks."""

    def __init__(
        self, registry: CollectorRegistry, *, cookie_verdicts: Sequence[str] = (), refusals: Sequence[str] = ()
    ) -> None:
        """`cookie_verdicts` and `refusals`: everything that `session_cookie` and `protocol_refused` can be told, so
        that their series exist from the start."""

        def counter(name: str, text: str, labels: Sequence[str] = ()) -> Counter:
            return Counter(name, text, labels, registry=registry)

        self._requests = RequestCounters(cookie_verdicts)
        registry.register(self._requests)
        self.observe = self._requests.observe  # a request has ended: see there
        self.session_cookie = self._requests.session_cookie  # one was read: see there
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
        for reason in refusals:
            self._refused.labels(reason)
        self._keys_refused = counter(
            "gateway_keys_refused_total",
            "Requests that were not let in: they brought no key, or one that nobody knows.",
            ("reason",),
        )
        self._key_requests = counter(
            "gateway_key_requests_total",
            "Ended requests of clients that have a key, by its name.",
            ("key", "outcome"),
        )
        self._lines_dropped = counter(
            "gateway_access_lines_dropped_total",
            "Access lines lost because their reader is too slow, the disk is full or the output is closed.",
        )
        self._events_dropped = counter(
            "gateway_event_lines_dropped_total",
            "Lines of events lost for the same reasons.",
        )

    def begin(self, pool: str) -> None:
        """The pool has begun: its series exist from here on."""
        self._requests.begin(pool)
        self._cold_starts.labels(pool)

    def forget(self, pool: str) -> None:
        """The pool is no more, and its name will not be used again: its series end."""
        self._requests.forget(pool)
        self._cold_starts.remove(pool)

    def cold_start(self, pool: str, seconds: float) -> None:
        """A pool met demand with no ready backend, and had one `seconds` later."""
        self._cold_starts.labels(pool).observe(seconds)

    def protocol_refused(self, reason: str) -> None:
        """The listening side refused a request, for one of the reasons of `refusals`."""
        self._refused.labels(reason).inc()

    def keys_known(self, names: Iterable[str], refusals: Iterable[str]) -> None:
        """Clients have keys of these names, and may be refused for these reasons: the series exist from here on."""
        for reason in refusals:
            self._keys_refused.labels(reason)
        for name in names:
            for outcome in Outcome:
                self._key_requests.labels(name, outcome.value)

    def key_refused(self, reason: str) -> None:
        """A request was not let in, for one of those reasons."""
        self._keys_refused.labels(reason).inc()

    def key_request(self, name: str, outcome: Outcome) -> None:
        """A request of a client with a key has ended."""
        self._key_requests.labels(name, outcome.value).inc()

    def lines_dropped(self, count: int) -> None:
        """`count` access lines were lost."""
        self._lines_dropped.inc(count)

    def events_dropped(self, count: int) -> None:
        """`count` lines of events were lost."""
        self._events_dropped.inc(count)
