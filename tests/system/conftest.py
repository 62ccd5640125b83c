"""What holds for every test in here."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that hangs fails by an exception, so that the processes it started are ended on the way out. (The
    project's default ends the test run on the spot, and would leave them.)"""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(60, method="signal"))
