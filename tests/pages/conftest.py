"""One browser for all tests of pages (Debian: `chromium`), and a page of its own for each, that may not complain."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """The system's own; nothing is downloaded, and no proxy is asked for loopback."""
    chromium = shutil.which("chromium")
    assert chromium is not None, "apt install chromium"
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--no-proxy-server", "--disable-gpu"]
        )
        yield launched
        await launched.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """As wide as a desk. An error of its scripts, or a breach of its policy, fails the test."""
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(15_000)
    defects = list[str]()
    page.on("pageerror", lambda error: defects.append(str(error)))
    page.on("console", lambda told: defects.append(told.text) if "Content Security Policy" in told.text else None)
    yield page
    await page.close()
    assert defects == []
