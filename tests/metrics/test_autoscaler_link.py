"""What a scrape shows of the link to the autoscaler."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from gateway.metrics.autoscaler_link import AutoscalerLinkCollector


@dataclass
class Figures:
    is_up: bool = True
    losses: int = 2
    sent: int = 300
    dropped: int = 4


def test_the_link_and_what_was_told() -> None:
    figures = Figures()
    registry = CollectorRegistry()
    registry.register(AutoscalerLinkCollector(figures, lambda: {"sd": 4.25, "chat": 0.0}))
    shows = registry.get_sample_value
    assert shows("gateway_autoscaler_link_up") == 1
    assert shows("gateway_autoscaler_link_losses_total") == 2
    assert shows("gateway_autoscaler_frames_sent_total") == 300
    assert shows("gateway_autoscaler_frames_dropped_total") == 4
    assert shows("gateway_autoscaler_reported_requests", {"pool": "sd"}) == 4.25
    assert shows("gateway_autoscaler_reported_requests", {"pool": "chat"}) == 0
    figures.is_up = False
    assert shows("gateway_autoscaler_link_up") == 0
