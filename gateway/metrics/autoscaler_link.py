"""Metrics of the link to Knative's autoscaler: its state, and what was last reported, read at each scrape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Family = GaugeMetricFamily | CounterMetricFamily


class LinkFigures(Protocol):
    """The figures of the link."""

    losses: int
    sent: int
    dropped: int

    @property
    def is_up(self) -> bool:
        """The link is up: what is reported now is sent."""


class AutoscalerLinkCollector(Collector):
    """Registered only where a pool is reported to an autoscaler."""

    def __init__(self, link: LinkFigures, reported: Callable[[], Mapping[str, float]]) -> None:
        """`reported`: the requests that were last reported, by pool."""
        self._link = link
        self._reported = reported

    def collect(self) -> Iterator[Family]:
        """All families with their samples."""
        link = self._link
        yield GaugeMetricFamily(
            "gateway_autoscaler_link_up", "1 while the link to Knative's autoscaler is up.", link.is_up
        )
        yield CounterMetricFamily("gateway_autoscaler_link_losses", "Times that the link was lost.", link.losses)
        yield CounterMetricFamily(
            "gateway_autoscaler_frames_sent", "Frames of statistics sent to the autoscaler.", link.sent
        )
        yield CounterMetricFamily(
            "gateway_autoscaler_frames_dropped",
            "Frames of statistics not sent, as the link was down or too slow.",
            link.dropped,
        )
        reported = GaugeMetricFamily(
            "gateway_autoscaler_reported_requests", "Requests last reported to the autoscaler.", labels=["pool"]
        )
        for pool, requests in self._reported().items():
            reported.add_metric([pool], requests)
        yield reported

    def describe(self) -> Iterator[Family]:
        """The same: the registry refuses a name that is taken."""
        return self.collect()
