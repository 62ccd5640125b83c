"""The system's own browser (Debian: `chromium`). Nothing is downloaded, and nothing but loopback is asked."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

#: Pages of real servers want fonts of other sites: names are not looked up.
_LOOPBACK = ("--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Closed at the end of the block."""
    found = shutil.which("chromium")
    assert found is not None, "apt install chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu", *_LOOPBACK]
        )
        yield browser
        await browser.close()
