"""How many things that Knative's objects say make no sense."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from gateway.metrics.ignored_annotations import IgnoredAnnotationsCollector


def test_they_are_counted_by_pool() -> None:
    registry = CollectorRegistry()
    registry.register(IgnoredAnnotationsCollector(lambda: {"sd": 2, "other": 0}))
    samples = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
    assert samples == ['gateway_knative_misfits{pool="sd"} 2.0', 'gateway_knative_misfits{pool="other"} 0.0']
