"""Errors of each backend: requests that it answered with a 5xx, broke off or never answered. A series ends with its
backend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from gateway.core.records.decisions import Ending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gateway.core.views.record import RequestRecord

#: Endings that are the backend's fault, whatever the client got.
_BROKEN = frozenset(
    (
        Ending.BACKEND_BROKE_BEFORE_ANSWER,
        Ending.BACKEND_BAD_ANSWER,
        Ending.BACKEND_SLOW_ANSWER,
        Ending.BACKEND_BROKE_IN_ANSWER,
        Ending.BACKEND_STALLED_IN_ANSWER,
    )
)


class BackendErrorsCollector(Collector):
    """Observes each ended request. `backends`: the pool and the name of every backend there is. Must be called on the
    event loop, where the pools live."""

    def __init__(self, backends: Callable[[], Iterable[tuple[str, str]]]) -> None:
        self._backends = backends
        self._errors: dict[tuple[str, str], int] = {}

    def observe(self, record: RequestRecord) -> None:
        """Count one ended request, if it is an error of its backend."""
        if record.pool is None or record.backend is None or not _is_error(record):
            return
        key = (record.pool, record.backend)
        if key not in self._errors:  # so the number of backends bounds what is kept
            here = set(self._backends())
            self._errors = {each: count for each, count in self._errors.items() if each in here}
        self._errors[key] = self._errors.get(key, 0) + 1

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The one family."""
        yield self._family(self._backends())

    def describe(self) -> Iterator[CounterMetricFamily]:
        """The same, empty: the registry refuses a name that is taken."""
        yield self._family(())

    def _family(self, backends: Iterable[tuple[str, str]]) -> CounterMetricFamily:
        family = CounterMetricFamily(
            "gateway_backend_errors_total",
            "Requests that the backend answered with a 5xx of its own, broke off or did not answer in time.",
            labels=["pool", "backend"],
        )
        for key in dict.fromkeys(backends):
            family.add_metric(key, self._errors.get(key, 0))
        return family


def _is_error(record: RequestRecord) -> bool:
    if record.ending is Ending.SERVED:
        return record.status is not None and record.status >= 500
    return record.ending in _BROKEN
