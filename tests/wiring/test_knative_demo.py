"""The demonstration's autoscaler: statistics in, pods out. Seconds are what the test says."""

from __future__ import annotations

from gateway.wiring.knative_demo import SCALING, DemoAutoscaler


class Pods:
    """As many as are wanted, ready at once."""

    def __init__(self) -> None:
        self.count = 0

    def scale(self, desired: int) -> None:
        self.count = desired


def autoscaler() -> tuple[DemoAutoscaler, Pods]:
    pods = Pods()
    return DemoAutoscaler(pods.scale, ready=lambda: pods.count, now=0.0), pods


def test_the_first_request_starts_a_pod_at_once_and_more_start_more() -> None:
    one, pods = autoscaler()
    one.evaluate(0.0)
    assert pods.count == 0
    one.record(1.0, 1.0)
    assert pods.count == 1
    for second in (2, 3, 4):
        one.record(second, 3.0)
    one.evaluate(4.0)
    assert pods.count == 3


def test_there_are_never_more_than_the_service_allows_and_none_after_a_quiet_window() -> None:
    one, pods = autoscaler()
    one.record(1.0, 50.0)
    one.evaluate(2.0)
    assert pods.count == SCALING.max_scale
    for second in range(2, 3 * SCALING.window):
        one.record(second, 0.0)
        one.evaluate(second)
    assert pods.count == 0
