"""The number of Knative's annotations and settings that are ignored, by pool; the log names each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class IgnoredAnnotationsCollector(Collector):
    """`ignored`: how many there are now, by pool of the configuration."""

    def __init__(self, ignored: Callable[[], Mapping[str, int]]) -> None:
        self._ignored = ignored

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The one family."""
        family = GaugeMetricFamily(
            "gateway_knative_misfits",
            "Annotations and settings of Knative that are ignored, as they are not valid; defaults apply.",
            labels=["pool"],
        )
        for pool, count in self._ignored().items():
            family.add_metric([pool], count)
        yield family
