"""Counters and histograms of ended requests, as plain numbers by pool and lane: children of prometheus-client would
cost each request more than its access line. A scrape turns the numbers into prometheus-client's families.

The series of a pool exist at 0 from its start, so that `increase()` sees the first burst.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from gateway.core.views.record import RequestRecord

#: The pool and the lane of a request that ended before it had one, and the status of one that got no answer.
NONE = "none"

#: Seconds: from a cached page (10 ms) to the longest job that anybody waits for (15 min), two or three to a decade.
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 900)

_BOUNDS = (*map(floatToGoString, BUCKETS), "+Inf")


#: The lanes whose series exist from a pool's start.
_LANES = (Lane.COUNTED.value, Lane.EXEMPT.value, Lane.PASSIVE.value)

_ANY_ANSWER = (2, 3, 4, 5)

#: The first digits of the status that each ending can come with: the series that exist from a pool's start.
_STATUS_DIGITS: dict[Ending, tuple[int, ...]] = {
    Ending.SERVED: _ANY_ANSWER,
    Ending.ANSWERED_HERE: (2, 4),
    Ending.NOT_YOURS: (2, 4),
    Ending.NO_ROUTE: (4,),
    Ending.REFUSED: (4, 5),
    Ending.TOLD_OF_START: (5,),
    Ending.WAITED: (5,),
    Ending.CLIENT_LEFT_UPLOADING: (4,),
    Ending.CLIENT_SLOW_UPLOADING: (4,),
    Ending.CLIENT_LEFT_WAITING: (4,),
    Ending.CLIENT_LEFT_BEFORE_ANSWER: (4,),
    Ending.CLIENT_LEFT_IN_ANSWER: _ANY_ANSWER,
    Ending.CLIENT_STALLED: _ANY_ANSWER,
    Ending.BACKEND_BROKE_BEFORE_ANSWER: (5,),
    Ending.BACKEND_BAD_ANSWER: (5,),
    Ending.BACKEND_SLOW_ANSWER: (5,),
    Ending.BACKEND_BROKE_IN_ANSWER: _ANY_ANSWER,
    Ending.BACKEND_STALLED_IN_ANSWER: _ANY_ANSWER,
    Ending.STOPPED_BEFORE_ANSWER: (5,),
    Ending.STOPPED_IN_ANSWER: _ANY_ANSWER,
    Ending.INTERNAL_ERROR: (5,),
    Ending.INTERNAL_ERROR_IN_ANSWER: _ANY_ANSWER,
}


class Durations:
    """A histogram of seconds."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * len(_BOUNDS)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


class LaneCounters:
    """The ended requests of one pool on one lane."""

    __slots__ = ("bytes_in", "bytes_out", "endings", "retries", "service", "wait")

    def __init__(self) -> None:
        self.endings: dict[tuple[str, int], int] = {}  # by end code and the status's first digit (0: no answer)
        self.wait = Durations()
        self.service = Durations()
        self.bytes_in = 0
        self.bytes_out = 0
        self.retries = 0

    def add(self, record: RequestRecord, code: str) -> None:
        """Count one ended request."""
        key = (code, (record.status or 0) // 100)
        self.endings[key] = self.endings.get(key, 0) + 1
        if record.turns or record.waited:  # else it was answered on the spot, and its 0 s would flatter the line
            self.wait.add(record.waited)
        if record.service is not None:
            self.service.add(record.service)
        self.bytes_in += record.bytes_in
        self.bytes_out += record.bytes_out
        if record.turns > 1:
            self.retries += record.turns - 1


_BY_LANE = ("pool", "lane")

#: The counters of a lane that are one number.
_SUMS: tuple[tuple[str, str, Callable[[LaneCounters], int]], ...] = (
    ("gateway_request_bytes_total", "Bytes of request bodies read from clients.", lambda lane: lane.bytes_in),
    ("gateway_response_bytes_total", "Bytes of answer bodies sent to clients.", lambda lane: lane.bytes_out),
    ("gateway_retries_total", "Turns of ended requests beyond the first of each.", lambda lane: lane.retries),
)


class RequestCounters(Collector):
    """The counters of all pools and lanes. One thread adds; another may collect meanwhile."""

    def __init__(self, cookie_verdicts: Sequence[str] = ()) -> None:
        """`cookie_verdicts`: everything that `session_cookie` can be told."""
        self._lanes: dict[tuple[str, str], LaneCounters] = {}
        self._cookies: dict[tuple[str, str], int] = {}
        self._cookie_verdicts = cookie_verdicts
        self._begin_lane(NONE, NONE, (Ending.NO_ROUTE, Ending.INTERNAL_ERROR))

    def begin(self, pool: str) -> None:
        """The pool has begun: its series exist from here on. What it counted under this name before stays."""
        for lane in _LANES:
            self._begin_lane(pool, lane, _STATUS_DIGITS)
        self._begin_lane(pool, Lane.DENIED.value, (Ending.NO_ROUTE,))
        for verdict in self._cookie_verdicts:
            self._cookies.setdefault((pool, verdict), 0)

    def observe(self, record: RequestRecord) -> None:
        """Count one ended request. One without an ending shows a defect of ours, and is counted as such."""
        # `_value_`: the same as `value`, which is a function call in Python 3.11.
        key = (record.pool or NONE, record.lane._value_ if record.lane else NONE)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = LaneCounters()
        lane.add(record, (record.ending or Ending.INTERNAL_ERROR)._value_)

    def session_cookie(self, pool: str, verdict: str) -> None:
        """A request's session cookie was read."""
        key = (pool, verdict)
        self._cookies[key] = self._cookies.get(key, 0) + 1

    def forget(self, pool: str) -> None:
        """The pool is no more: its series end."""
        for series in (self._lanes, self._cookies):
            for key in [key for key in series if key[0] == pool]:
                del series[key]

    def collect(self) -> Iterator[Metric]:
        """All families with their samples."""
        lanes = list(self._lanes.items())
        requests = CounterMetricFamily(
            "gateway_requests_total",
            "Requests that have ended, by outcome, end code and the class of the status that the client got.",
            labels=(*_BY_LANE, "outcome", "code", "status"),
        )
        for key, lane in lanes:
            for (code, digit), count in list(lane.endings.items()):
                requests.add_metric((*key, Ending(code).outcome.value, code, _status_class(digit)), count)
        yield requests
        yield _histogram(
            "gateway_wait_seconds",
            "Time in line of requests that got a turn or waited for one.",
            ((key, lane.wait) for key, lane in lanes),
        )
        yield _histogram(
            "gateway_service_seconds",
            "From the grant of a slot to the end of the answer.",
            ((key, lane.service) for key, lane in lanes),
        )
        for name, text, of in _SUMS:
            yield _counter(name, text, _BY_LANE, [(key, of(lane)) for key, lane in lanes])
        yield _counter(
            "gateway_session_cookies_total",
            "Requests by what was found in the session cookie.",
            ("pool", "verdict"),
            list(self._cookies.items()),
        )

    def _begin_lane(self, pool: str, lane: str, endings: Iterable[Ending]) -> None:
        counts = self._lanes.setdefault((pool, lane), LaneCounters()).endings
        for ending in endings:
            for digit in _STATUS_DIGITS[ending]:
                counts.setdefault((ending.value, digit), 0)


def _status_class(digit: int) -> str:
    return f"{digit}xx" if digit else NONE


def _counter(
    name: str, text: str, labels: tuple[str, ...], counts: Iterable[tuple[tuple[str, str], int]]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, count in counts:
        family.add_metric(key, count)
    return family


def _histogram(name: str, text: str, durations: Iterable[tuple[tuple[str, str], Durations]]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, text, labels=_BY_LANE)
    for key, those in durations:
        counts = list(accumulate(those.counts))
        family.add_metric(key, list(zip(_BOUNDS, counts, strict=True)), those.total)
    return family
