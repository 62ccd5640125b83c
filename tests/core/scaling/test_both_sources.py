"""Knative's autoscaler hears of a revision from two sides: it scrapes the queue-proxies, unless target-burst-capacity
is -1, and is sent the gateway's reports. It adds them up (pkg/autoscaler/metrics/collector.go). No request may be
counted twice, lest idle pods are started, nor left out, lest busy ones are taken away.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import pytest

from gateway.core.scaling.decider import Decider, DeciderSpec
from gateway.core.scaling.windows import BucketedAverage

Accounting = Literal["waiting", "proxied"]
Metric = Literal["concurrency", "rps"]

#: Requests of one second, one after the other in each pod: so many are in flight, and so many begin each second.
PODS = BUSY = 5
TEN_MINUTES = 600
#: Pods that are scraped, of five (pkg/autoscaler/metrics/sample_size.go).
SAMPLED = 4


class Stat(NamedTuple):
    """What one side says of one second, as in Knative's stat.proto."""

    average_concurrent_requests: float = 0.0
    average_proxied_concurrent_requests: float = 0.0
    request_count: float = 0.0
    proxied_request_count: float = 0.0

    def value(self, metric: Metric) -> float:
        """What the autoscaler files of it."""
        if metric == "concurrency":
            return self.average_concurrent_requests - self.average_proxied_concurrent_requests
        return self.request_count - self.proxied_request_count


def queue_proxy(accounting: Accounting) -> Stat:
    """One pod's. Under `proxied` the requests carry K-Proxy-Request."""
    if accounting == "proxied":
        return Stat(1.0, 1.0, 1.0, 1.0)
    return Stat(average_concurrent_requests=1.0, request_count=1.0)


def gateway(accounting: Accounting) -> Stat:
    """Nobody waits in it."""
    if accounting == "proxied":
        return Stat(average_concurrent_requests=BUSY, request_count=BUSY)
    return Stat()


def desired(accounting: Accounting, capacity: float, metric: Metric) -> list[int]:
    """What Knative wants over ten minutes, evaluation by evaluation."""
    stable, panic = BucketedAverage(60), BucketedAverage(6)
    decider = Decider(DeciderSpec(target=1.0, total=1.0, target_burst_capacity=capacity), ready=PODS)
    wishes = []
    for second in range(TEN_MINUTES):
        filed = [gateway(accounting).value(metric)]
        if capacity != -1:
            scraped = sum(queue_proxy(accounting).value(metric) for _ in range(SAMPLED))
            filed.append(scraped * PODS / SAMPLED)
        for value in filed:
            stable.record(second, value)
            panic.record(second, value)
        if second % 2:
            wishes.append(decider.decide(second, PODS, stable.average(second), panic.average(second)).desired)
    return wishes


@pytest.mark.parametrize("metric", ["concurrency", "rps"])
@pytest.mark.parametrize(("accounting", "capacity"), [("waiting", 211), ("proxied", 211), ("proxied", -1)])
def test_five_in_flight_on_five_pods_stay_five(accounting: Accounting, capacity: float, metric: Metric) -> None:
    assert set(desired(accounting, capacity, metric)) == {5}


@pytest.mark.parametrize("metric", ["concurrency", "rps"])
def test_waiting_beside_minus_one_would_take_busy_pods_away(metric: Metric) -> None:
    """Why settings refuse it: nobody counts what is in flight."""
    assert desired("waiting", -1, metric)[-1] < PODS
