"""The studio's page in a browser, as somebody sits at it: in a browser context of their own."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from playwright.async_api import expect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

#: Milliseconds for whatever is awaited of it.
_PATIENCE = 30_000


class StudioPage:
    """One tab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_default_timeout(_PATIENCE)

    async def open(self, url: str) -> None:
        """Until it can be used."""
        await self.page.goto(url)
        await self.page.locator("#paint").wait_for()

    async def paint(self, prompt: str) -> None:
        """Ask for a picture, and wait for nothing."""
        await self.page.locator("#prompt textarea").fill(prompt)
        await self.page.locator("#paint").click()

    async def shows(self, progress: str) -> None:
        """Wait until it says so where the picture will be: `queue: 2/3`, `Painting - 40.0%`, a number of seconds."""
        over_it = self.page.locator("#picture .wrap.default")
        await expect(over_it).to_contain_text(re.compile(progress), timeout=_PATIENCE)

    async def picture(self) -> str:
        """What is told of the picture, when it is there and its file has come."""
        await expect(self.page.locator("#told textarea")).not_to_have_value("", timeout=_PATIENCE)
        await self.page.wait_for_function("document.querySelector('#picture img')?.naturalWidth === 64")
        return await self.page.locator("#told textarea").input_value()


@asynccontextmanager
async def people(browser: Browser, url: str, count: int) -> AsyncIterator[list[StudioPage]]:
    """So many, each with cookies of their own, at the page."""
    contexts = [await browser.new_context() for _ in range(count)]
    try:
        pages = [StudioPage(await context.new_page()) for context in contexts]
        for page in pages:
            await page.open(url)
        yield pages
    finally:
        for context in contexts:
            await context.close()
