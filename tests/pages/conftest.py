"""One browser for all tests of pages, and a page of its own for each, that may not complain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.pages.browser import chromium

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """See `browser.py`."""
    async with chromium() as launched:
        yield launched


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
