"""A person at a page, whoever's page it is: says what they want, looks at what the page says, waits for the picture."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playwright.async_api import expect

if TYPE_CHECKING:
    from playwright.async_api import Page

#: Milliseconds for a picture, behind others.
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
        page.set_default_timeout(_PATIENCE)

    async def open(self, url: str) -> None:
        """Until it can be used, be it after a page that says that it starts."""
        await self._page.goto(url)
        await self._page.locator(self._site.button).wait_for()
        await self._page.locator(self._site.progress).evaluate(_KEEP_WHAT_IT_SAYS)

    async def paint(self, prompt: str) -> None:
        """Until the picture is there, another than the last one."""
        last = await self._source()
        await self._page.locator(self._site.prompt).fill(prompt)
        await self._page.locator(self._site.button).click()
        await expect(self._page.locator(self._site.picture)).not_to_have_attribute(
            "src", last or "-", timeout=_PATIENCE
        )
        await self._page.wait_for_function(f"document.querySelector({self._site.picture!r})?.naturalWidth > 0")
        self.pictures += 1

    async def stop(self) -> None:
        """Click on that button, if there is one: nothing of theirs is being painted."""
        if self._site.stop is not None:
            await self._page.locator(self._site.stop).click()

    async def places(self) -> set[str]:
        """In line, as the page has told."""
        return set(_PLACE.findall(await self._said()))

    async def parts(self) -> set[str]:
        """Of a picture, as the page has told."""
        return set(_PART.findall(await self._said()))

    async def _said(self) -> str:
        said: str = await self._page.evaluate("said.join('\\n')")
        return said

    async def _source(self) -> str | None:
        picture = self._page.locator(self._site.picture)
        return await picture.get_attribute("src") if await picture.count() else None
