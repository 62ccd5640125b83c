"""Prometheus's own linter (Debian: `prometheus`) has nothing to say about our metrics."""

from __future__ import annotations

import subprocess

from prometheus_client import generate_latest

from tests.doubles.exposition import our_registry


def test_promtool_is_content() -> None:
    exposed = generate_latest(our_registry())
    checked = subprocess.run(["promtool", "check", "metrics"], input=exposed, capture_output=True, timeout=20)

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
