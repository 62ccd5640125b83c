"""The system's own browser (Debian: `chromium`). Nothing is downloaded, and no proxy is asked for loopback."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Closed at the end of the block."""
    found = shutil.which("chromium")
    assert found is not None, "apt install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--no-proxy-server", "--disable-gpu"]
        )
        yield browser
        await browser.close()
