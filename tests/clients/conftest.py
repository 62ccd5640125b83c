"""What holds for every test in here: real servers take their time, and a test that hangs ends what it started."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages.conftest import browser, page

__all__ = ["browser", "page"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """As in tests/system, where it says why."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(240, method="signal"))
