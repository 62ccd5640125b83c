"""The data path's client runs on both event loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.upstream.dialer import Dialer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Each test of a socket runs once on each loop."""
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def dialer() -> AsyncIterator[Dialer]:
    """With everything as in production."""
    dialer = Dialer()
    yield dialer
    await dialer.aclose()
