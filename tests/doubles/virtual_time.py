"""A backend for anyio's pytest plugin in which time passes when nobody has anything to do."""

from __future__ import annotations

from typing import Any

from trio.testing import MockClock


def virtual_time() -> tuple[str, dict[str, Any]]:
    """What the fixture `anyio_backend` returns. A new clock for each test: it starts at 0."""
    return "trio", {"clock": MockClock(autojump_threshold=0)}
