"""What every test may use."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("developer", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "developer")


@pytest.fixture
def anyio_backend() -> str:
    """Sockets are tested where they run: on asyncio. Tests of runtime/ choose trio themselves."""
    return "asyncio"
