"""Whether discovery is stale, by pool, read at each scrape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


class DiscoveryCollector(Collector):
    """`stale`: why what is known may not be true any more, by pool; nothing where it is."""

    def __init__(self, stale: Callable[[], Mapping[str, Sequence[str]]]) -> None:
        self._stale = stale

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The one family."""
        return _family(self._stale())

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """The same, empty: the registry refuses a name that is taken."""
        return _family({})


def _family(stale: Mapping[str, Sequence[str]]) -> Iterator[GaugeMetricFamily]:
    family = GaugeMetricFamily(
        "gateway_discovery_stale",
        "1 while no news comes of the pool's backends: what is known of them may not be true any more.",
        labels=["pool"],
    )
    for pool, reasons in stale.items():
        family.add_metric([pool], bool(reasons))
    yield family
