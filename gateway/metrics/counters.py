"""What each request adds, in plain numbers by pool and lane: prometheus-client's own children would cost each request
more than its line in the log. It still does the exposition: a scrape turns the numbers into its families.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from gateway.core.records.decisions import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gateway.core.views.record import RequestRecord

#: The pool, and the lane, of a request that ended before it had one.
NONE = "none"

#: Seconds: from a cached page (10 ms) to the longest job that anybody waits for (15 min), two or three to a decade.
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 900)

_BOUNDS = (*map(floatToGoString, BUCKETS), "+Inf")


class Times:
    """A histogram of seconds."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * len(_BOUNDS)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


class Tally:
    """One pool's requests on one lane that have ended."""

    __slots__ = ("bytes_in", "bytes_out", "endings", "retries", "service", "wait")

    def __init__(self) -> None:
        self.endings: dict[str, int] = {}  # by the two letters
        self.wait = Times()
        self.service = Times()
        self.bytes_in = 0
        self.bytes_out = 0
        self.retries = 0

    def add(self, record: RequestRecord, code: str) -> None:
        """One more."""
        self.endings[code] = self.endings.get(code, 0) + 1
        if record.turns or record.waited:  # else it was answered on the spot, and its 0 s would flatter the line
            self.wait.add(record.waited)
        if record.service is not None:
            self.service.add(record.service)
        self.bytes_in += record.bytes_in
        self.bytes_out += record.bytes_out
        if record.turns > 1:
            self.retries += record.turns - 1


_BY_LANE = ("pool", "lane")

#: Of each tally: the counters that are one number.
_SUMS: tuple[tuple[str, str, Callable[[Tally], int]], ...] = (
    ("gateway_request_bytes_total", "Bytes of request bodies read from clients.", lambda tally: tally.bytes_in),
    ("gateway_response_bytes_total", "Bytes of answer bodies sent to clients.", lambda tally: tally.bytes_out),
    ("gateway_retries_total", "Turns of ended requests beyond the first of each.", lambda tally: tally.retries),
)


class RequestCounters(Collector):
    """All of them. One thread adds; another may collect meanwhile."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._cookies: dict[tuple[str, str], int] = {}

    def observe(self, record: RequestRecord) -> None:
        """Count one ended request. One without an ending shows a defect of ours, and is counted as such."""
        # `_value_`: the same as `value`, which is a function call in Python 3.11.
        key = (record.pool or NONE, record.lane._value_ if record.lane else NONE)
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = Tally()
        tally.add(record, (record.ending or Ending.INTERNAL_ERROR)._value_)

    def session_cookie(self, pool: str, verdict: str) -> None:
        """A request's session cookie was read."""
        key = (pool, verdict)
        self._cookies[key] = self._cookies.get(key, 0) + 1

    def forget(self, pool: str) -> None:
        """The pool is no more: its series end."""
        for series in (self._tallies, self._cookies):
            for key in [key for key in series if key[0] == pool]:
                del series[key]

    def collect(self) -> Iterator[Metric]:
        """For a scrape. A series begins with the first thing that it counts."""
        tallies = list(self._tallies.items())
        requests = CounterMetricFamily(
            "gateway_requests_total",
            "Requests that have ended, by where they went and by the two letters of how.",
            labels=(*_BY_LANE, "outcome", "code"),
        )
        for key, tally in tallies:
            for code, count in list(tally.endings.items()):
                requests.add_metric((*key, Ending(code).outcome.value, code), count)
        yield requests
        yield _histogram(
            "gateway_wait_seconds",
            "Time in line of requests that got a turn or waited for one.",
            ((key, tally.wait) for key, tally in tallies),
        )
        yield _histogram(
            "gateway_service_seconds",
            "From the grant of a slot to the end of the answer.",
            ((key, tally.service) for key, tally in tallies),
        )
        for name, text, of in _SUMS:
            yield _counter(name, text, _BY_LANE, [(key, of(tally)) for key, tally in tallies])
        yield _counter(
            "gateway_session_cookies_total",
            "Requests by what was found in the session cookie.",
            ("pool", "verdict"),
            list(self._cookies.items()),
        )


def _counter(
    name: str, text: str, labels: tuple[str, ...], counts: Iterable[tuple[tuple[str, str], int]]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, count in counts:
        if count:
            family.add_metric(key, count)
    return family


def _histogram(name: str, text: str, times: Iterable[tuple[tuple[str, str], Times]]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, text, labels=_BY_LANE)
    for key, those in times:
        counts = list(accumulate(those.counts))
        if counts[-1]:
            family.add_metric(key, list(zip(_BOUNDS, counts, strict=True)), those.total)
    return family
