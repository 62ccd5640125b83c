"""Which backend fails."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from gateway.core.records.decisions import Ending
from gateway.metrics.backend_errors import BackendErrorsCollector
from tests.doubles.records import served, unrouted


class Counted:
    """The collector, the backends there are, and what a scrape would show."""

    def __init__(self) -> None:
        self.backends = [("sd", "gpu-0"), ("sd", "gpu-1")]
        self.collector = BackendErrorsCollector(lambda: self.backends)
        self.registry = CollectorRegistry()
        self.registry.register(self.collector)

    def of(self, backend: str) -> float | None:
        return self.registry.get_sample_value("gateway_backend_errors_total", {"pool": "sd", "backend": backend})


@pytest.mark.parametrize(
    ("ending", "status", "count"),
    [
        (Ending.SERVED, 200, 0),
        (Ending.SERVED, 404, 0),
        (Ending.SERVED, 500, 1),
        (Ending.BACKEND_BROKE_BEFORE_ANSWER, 502, 1),
        (Ending.BACKEND_STALLED_IN_ANSWER, 200, 1),
        (Ending.CLIENT_LEFT_IN_ANSWER, 200, 0),
        (Ending.WAITED, 503, 0),
    ],
)
def test_errors_of_a_backend_are_counted_for_it(ending: Ending, status: int, count: int) -> None:
    counted = Counted()
    counted.collector.observe(served(ending=ending, status=status))
    counted.collector.observe(unrouted())

    assert (counted.of("gpu-0"), counted.of("gpu-1")) == (count, 0)


def test_a_series_ends_with_its_backend() -> None:
    counted = Counted()
    counted.collector.observe(served(status=500))
    counted.backends = [("sd", "gpu-1"), ("sd", "gpu-1")]
    assert (counted.of("gpu-0"), counted.of("gpu-1")) == (None, 0)

    counted.collector.observe(served(status=500, backend="gpu-1"))
    counted.backends.append(("sd", "gpu-0"))
    assert (counted.of("gpu-0"), counted.of("gpu-1")) == (0, 1), "another one of that name"
