"""A scrape in pieces is the scrape."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from gateway.metrics.collector import SnapshotCollector
from gateway.metrics.instruments import Instruments
from gateway.ops.metrics_text import scrape
from tests.doubles.records import served
from tests.doubles.views import pool_view

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("accept", ["", "text/plain", "application/openmetrics-text; version=1.0.0"])
async def test_nothing_is_lost_and_nothing_said_twice(accept: str) -> None:
    registry = CollectorRegistry()
    Instruments(registry).observe(served())
    registry.register(SnapshotCollector(lambda: [pool_view("sd", in_flight=3)], dict))
    encode, content_type = choose_encoder(accept)
    told_type, pieces = scrape(registry, accept)

    assert told_type == content_type
    assert b"".join([piece async for piece in pieces]) == encode(registry)
