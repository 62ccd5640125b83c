"""What a scrape of the gateway can show, every family with a sample: ours, and Knative's own names for the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from gateway.core.records.decisions import Ending
from gateway.metrics.autoscaler_link import AutoscalerLinkCollector
from gateway.metrics.backend_errors import BackendErrorsCollector
from gateway.metrics.collector import ScalerView, SnapshotCollector
from gateway.metrics.discovery import DiscoveryCollector
from gateway.metrics.ignored_annotations import IgnoredAnnotationsCollector
from gateway.metrics.instruments import Instruments, new_registry
from gateway.metrics.knative_names import KnativeNamesCollector, RevisionNames
from tests.doubles.records import served, unrouted
from tests.doubles.views import backend_view, line_view, pool_view

if TYPE_CHECKING:
    from collections.abc import Mapping

POOL = pool_view(line=line_view(expected_wait=3.0, oldest=1.0), backends=(backend_view("a"), backend_view("b")))


@dataclass
class Link:
    """One that stands."""

    is_up: bool = True
    losses: int = 1
    sent: int = 2
    dropped: int = 3


def our_registry() -> CollectorRegistry:
    """All families under names of ours."""
    registry = new_registry()
    instruments = Instruments(registry)
    for ending in Ending:
        instruments.observe(served(ending=ending, turns=2))
    instruments.observe(unrouted())
    instruments.cold_start("sd", 3.5)
    instruments.session_cookie("sd", "valid")
    instruments.protocol_refused("bad_request_line")
    scaler = ScalerView(desired=2, ready=2, stable=1.5, panic=2.5, in_panic=True, bound="gpus")
    registry.register(SnapshotCollector(lambda: [POOL], lambda: {"sd": scaler}))
    registry.register(DiscoveryCollector(lambda: {"sd": []}))
    registry.register(BackendErrorsCollector(lambda: [("sd", "gpu-0")]))
    registry.register(IgnoredAnnotationsCollector(lambda: {"sd": 0}))
    registry.register(AutoscalerLinkCollector(Link(), lambda: {"sd": 1.0}))
    return registry


def knatives_registry() -> CollectorRegistry:
    """All families under names of Knative's."""
    registry = CollectorRegistry()
    names = RevisionNames("default", "sd", "sd", "sd-00001")
    collector = KnativeNamesCollector(lambda: [POOL], lambda: {"sd": names}, "gateway-0")
    collector.observe(served())
    registry.register(collector)
    return registry


def labels_of_samples() -> Mapping[str, frozenset[str]]:
    """Of every sample of both, by its name."""
    return {
        sample.name: frozenset(sample.labels)
        for registry in (our_registry(), knatives_registry())
        for family in registry.collect()
        for sample in family.samples
    }
