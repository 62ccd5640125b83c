"""What the tests of a request's path share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.proxy.gatehouse import Gatehouse, open_gatehouse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def gate(anyio_backend: object) -> AsyncIterator[Gatehouse]:
    """Fails the test if it leaves anything behind."""
    async with open_gatehouse() as gate:
        yield gate
