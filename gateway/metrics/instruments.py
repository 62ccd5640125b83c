"""Counters and histograms of what has happened, each fed once by whoever saw it. No gauges: what *is* is read from the
pools' snapshots by `collector.py`. Every label is a word of ours, never a client's string.

What `labels()` answers is kept, for it costs more than the counting, and `observe` is on the path of each request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.metrics import MetricWrapperBase

from gateway.core.decisions import Ending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.core.record import RequestRecord

#: The pool, and the lane, of a request that ended before it had one.
NONE = "none"

#: Seconds: from a cached page (10 ms) to the longest job that anybody waits for (15 min), two or three to a decade.
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 900)

_Metric = TypeVar("_Metric", bound=MetricWrapperBase)


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

        def histogram(name: str, text: str, labels: Sequence[str]) -> Histogram:
            return Histogram(name, text, labels, registry=registry, buckets=BUCKETS)

        by_lane = ("pool", "lane")
        self._requests = _Children(
            counter(
                "gateway_requests_total",
                "Requests that have ended, by where they went and by the two letters of how.",
                (*by_lane, "outcome", "code"),
            )
        )
        self._wait = _Children(
            histogram("gateway_wait_seconds", "Time in line of requests that got a turn or waited for one.", by_lane)
        )
        self._service = _Children(
            histogram("gateway_service_seconds", "From the grant of a slot to the end of the answer.", by_lane)
        )
        self._bytes_in = _Children(
            counter("gateway_request_bytes_total", "Bytes of request bodies read from clients.", by_lane)
        )
        self._bytes_out = _Children(
            counter("gateway_response_bytes_total", "Bytes of answer bodies sent to clients.", by_lane)
        )
        self._retries = _Children(
            counter("gateway_retries_total", "Turns of ended requests beyond the first of each.", by_lane)
        )
        self._cold_starts = _Children(
            histogram(
                "gateway_cold_start_seconds",
                "From demand that met no ready backend to the first ready one.",
                ("pool",),
            )
        )
        self._cookies = _Children(
            counter(
                "gateway_session_cookies_total",
                "Requests by what was found in the session cookie.",
                ("pool", "verdict"),
            )
        )
        self._refused = _Children(
            counter(
                "gateway_protocol_refused_total",
                "Requests refused by the listening side before any pool was asked. They are in no other counter.",
                ("reason",),
            )
        )
        self._lines_dropped = counter(
            "gateway_access_lines_dropped_total",
            "Access lines lost because their reader is too slow, the disk is full or the output is closed.",
        )
        self._events_dropped = counter(
            "gateway_event_lines_dropped_total",
            "Lines of events lost for the same reasons.",
        )

    def observe(self, record: RequestRecord) -> None:
        """Count one ended request. One without an ending shows a defect of ours, and is counted as such."""
        ending = record.ending or Ending.INTERNAL_ERROR
        pool, lane = key = (record.pool or NONE, record.lane.value if record.lane else NONE)
        self._requests[pool, lane, ending.outcome.value, ending.value].inc()
        if record.turns or record.waited:  # else it was answered on the spot, and its 0 s would flatter the line
            self._wait[key].observe(record.waited)
        if record.service is not None:
            self._service[key].observe(record.service)
        if record.bytes_in:
            self._bytes_in[key].inc(record.bytes_in)
        if record.bytes_out:
            self._bytes_out[key].inc(record.bytes_out)
        if record.turns > 1:
            self._retries[key].inc(record.turns - 1)

    def forget(self, pool: str) -> None:
        """The pool is no more, and nobody will be called so again: its series end, or revisions would pile them up."""
        for children in (
            self._requests,
            self._wait,
            self._service,
            self._bytes_in,
            self._bytes_out,
            self._retries,
            self._cold_starts,
            self._cookies,
        ):
            children.forget(pool)

    def cold_start(self, pool: str, seconds: float) -> None:
        """A pool met demand with no ready backend, and so many seconds later had one."""
        self._cold_starts[(pool,)].observe(seconds)

    def session_cookie(self, pool: str, verdict: str) -> None:
        """A request's session cookie was read. `verdict` is one of the reader's few words."""
        self._cookies[pool, verdict].inc()

    def protocol_refused(self, reason: str) -> None:
        """The listening side refused a request. `reason` is one of its few words."""
        self._refused[(reason,)].inc()

    def lines_dropped(self, count: int) -> None:
        """So many access lines were lost."""
        self._lines_dropped.inc(count)

    def events_dropped(self, count: int) -> None:
        """So many lines of events were lost."""
        self._events_dropped.inc(count)


class _Children(dict[tuple[str, ...], _Metric], Generic[_Metric]):
    """The children of one metric by their label values, each resolved once."""

    def __init__(self, parent: _Metric) -> None:
        super().__init__()
        self._parent = parent

    def __missing__(self, labels: tuple[str, ...]) -> _Metric:
        child = self[labels] = self._parent.labels(*labels)
        return child

    def forget(self, pool: str) -> None:
        """All children whose first label it is."""
        for labels in [labels for labels in self if labels[0] == pool]:
            del self[labels]
            self._parent.remove(*labels)
