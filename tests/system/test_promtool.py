"""Prometheus's own linter (Debian: `prometheus`) has nothing to say about our metrics."""

from __future__ import annotations

import subprocess

from prometheus_client import generate_latest

from gateway.core.decisions import Ending
from gateway.metrics.collector import ScalerView, SnapshotCollector
from gateway.metrics.instruments import Instruments, new_registry
from tests.doubles.records import served, unrouted
from tests.doubles.views import backend_view, line_view, pool_view


def everything() -> bytes:
    """An exposition in which every family has a sample."""
    registry = new_registry()
    instruments = Instruments(registry)
    for ending in Ending:
        instruments.observe(served(ending=ending, turns=2))
    instruments.observe(unrouted())
    instruments.cold_start("sd", 3.5)
    instruments.session_cookie("sd", "valid")
    instruments.protocol_refused("bad_request_line")
    pool = pool_view(line=line_view(expected_wait=3.0, oldest=1.0), backends=(backend_view("a"), backend_view("b")))
    scaler = ScalerView(desired=2, ready=2, stable=1.5, panic=2.5, in_panic=True, bound="gpus")
    registry.register(SnapshotCollector(lambda: [pool], lambda: {"sd": scaler}))
    return generate_latest(registry)


def test_promtool_is_content() -> None:
    checked = subprocess.run(["promtool", "check", "metrics"], input=everything(), capture_output=True, timeout=20)

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
