"""Which pools' backends are known for sure."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from gateway.metrics.discovery import DiscoveryCollector


def test_one_where_there_is_a_reason_for_doubt() -> None:
    registry = CollectorRegistry()
    registry.register(DiscoveryCollector(lambda: {"sd": ["cannot list endpointslices"], "other": []}))
    assert registry.get_sample_value("gateway_discovery_stale", {"pool": "sd"}) == 1
    assert registry.get_sample_value("gateway_discovery_stale", {"pool": "other"}) == 0
