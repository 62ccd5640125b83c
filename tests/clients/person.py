"""A person at a page, whosever page it is: says what they want, looks at what the page says, waits for the picture."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playwright.async_api import expect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

#: Milliseconds for whatever is awaited: a picture behind others, a pod that starts.
_PATIENCE = 60_000

#: Keeps all that an element has ever said.
_KEEP_WHAT_IT_SAYS = """element => {
  window.said = [];
  const keep = () => said.push(element.innerText);
  new MutationObserver(keep).observe(element, {childList: true, subtree: true, characterData: true});
}"""


@dataclass(frozen=True, slots=True)
class Site:
    """Where what is on a page: selectors."""

    prompt: str
    button: str
    progress: str
    picture: str
    stop: str | None = None  # a button that stops a picture


STAND_IN = Site("#prompt", "#txt2img_generate", "#bar", "#result img", "#txt2img_interrupt")
STUDIO = Site("#prompt textarea", "#paint", "#picture", "#picture img")

_PLACE = re.compile(r"In queue: \d+/\d+|place \d+ of \d+|queue: \d+/\d+")
_PART = re.compile(r"\d+(?:\.\d+)?%")


class Person:
    """At one page, with what it has told them."""

    def __init__(self, page: Page, site: Site) -> None:
        self.pictures = 0
        self._page = page
        self._site = site
        self._last: str | None = None  # picture
        page.set_default_timeout(_PATIENCE)

    async def open(self, url: str) -> None:
        """Until it can be used, be it after a page that says that it starts."""
        await self._page.goto(url)
        await self._page.locator(self._site.button).wait_for()
        await self._page.locator(self._site.progress).evaluate(_KEEP_WHAT_IT_SAYS)

    async def asks(self, prompt: str) -> None:
        """For a picture, and waits for nothing."""
        picture = self._page.locator(self._site.picture)
        self._last = await picture.get_attribute("src") if await picture.count() else None
        await self._page.locator(self._site.prompt).fill(prompt)
        await self._page.locator(self._site.button).click()

    async def sees(self, progress: str) -> None:
        """Waits until the page says so of the picture: `queue: 2/3`, `Painting - 40.0%`, a number of seconds."""
        await expect(self._page.locator(self._site.progress)).to_contain_text(re.compile(progress), timeout=_PATIENCE)

    async def gets_it(self) -> None:
        """Until the picture is there, another than the last one, and its file has come."""
        picture = self._page.locator(self._site.picture)
        await expect(picture).not_to_have_attribute("src", self._last or "-", timeout=_PATIENCE)
        await self._page.wait_for_function(f"document.querySelector({self._site.picture!r})?.naturalWidth > 0")
        self.pictures += 1

    async def is_told(self) -> str:
        """What the studio says of the picture."""
        return await self._page.locator("#told textarea").input_value()

    async def stops(self) -> None:
        """Clicks on that button, if there is one, while nothing of theirs is being painted."""
        if self._site.stop is not None:
            await self._page.locator(self._site.stop).click()

    async def places(self) -> set[str]:
        """In line, as the page has told so far."""
        return set(_PLACE.findall(await self._said()))

    async def parts(self) -> set[str]:
        """Of pictures, as the page has told so far."""
        return set(_PART.findall(await self._said()))

    async def _said(self) -> str:
        said: str = await self._page.evaluate("said.join('\\n')")
        return said


@asynccontextmanager
async def people(browser: Browser, url: str, site: Site, count: int) -> AsyncIterator[list[Person]]:
    """So many, each with cookies of their own, at the page."""
    contexts = [await browser.new_context() for _ in range(count)]
    try:
        found = [Person(await context.new_page(), site) for context in contexts]
        for person in found:
            await person.open(url)
        yield found
    finally:
        for context in contexts:
            await context.close()
