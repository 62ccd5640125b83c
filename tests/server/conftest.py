"""The listening side is tested on the loop it runs on."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """uvloop: its transports differ from asyncio's in when they write, pause and close."""
    return "asyncio", {"use_uvloop": True}
