"""The pictures in README, made from the running system:

    python -m tests.pages.screenshots

`config/local.yaml` on free ports, from zero: fifty requests, five at a time, and back to zero. On the way pictures are
taken of the operators' page, the terminal view and the waiting page. Overwrites the images beside this file; look at
them before you commit them.
"""

from __future__ import annotations

import asyncio
import re
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import yaml
from playwright.async_api import expect

from gateway.top.app import Top
from gateway.top.port import OperatorsPort
from tests.pages.browser import chromium
from tests.pages.screenshots.picture import save
from tests.system.callers import TXT2IMG
from tests.system.running_gateway import ROOT, RunningGateway, running_gateway
from tests.system.shell import run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from playwright.async_api import Browser, FloatRect, Page

_POOL = "stable-diffusion"
_LOAD = (sys.executable, "-m", "gateway", "load", "-n", "50", "-c", "5", "-t", "60", "-m", "POST", "--cookies")
_BODY = '{"prompt": "pretty dog"}'

#: When all have come and nothing is there yet.
_COLD = re.compile(r"^5 wait, the first for \d+ s: no pod is ready yet, 5 are starting")

#: Served when the load is half done: the pods are up, their starts are in sight, and more is to come.
_IN_MID_LOAD = 25

#: Seconds for everything, on a slow machine.
_WITHIN = 120.0

#: Pixels.
_DESK, _PHONE = 1280, 390

#: Columns and rows of the terminal, and seconds after which it looks again by itself.
_TERMINAL = (118, 30)
_NEVER = 3600

#: Milliseconds for a page to show what it is waited for.
_PATIENCE = 60_000


async def main() -> None:
    """Make all of them."""
    with TemporaryDirectory(prefix="screenshots-") as name:
        async with chromium() as browser, running_gateway(Path(name), _local(), within=_WITHIN) as gateway:
            await _fifty_pictures(browser, gateway)
            await _waiting_page(browser, gateway)


def _local() -> dict[str, Any]:
    """As `make run` has it, but that its pods go as soon as they may."""
    config: dict[str, Any] = yaml.safe_load((ROOT / "config" / "local.yaml").read_text())
    config["listen"]["port"] = config["ops"]["port"] = 0
    config["log"] = {"format": "json"}
    config["pools"][_POOL]["autoscaling"]["window"] = 6
    return config


async def _fifty_pictures(browser: Browser, gateway: RunningGateway) -> None:
    async with AsyncExitStack() as open_pages:
        shown = [
            await open_pages.enter_async_context(_shown(browser, gateway.ops, width=width, color_scheme=scheme))
            for width, scheme in ((_DESK, "light"), (_DESK, "dark"), (_PHONE, "light"))
        ]
        desk, dark, phone = shown
        terminal = await open_pages.enter_async_context(_terminal(gateway.ops))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run(*_LOAD, "-d", _BODY, gateway.url + TXT2IMG, within=_WITHIN))
            await expect(desk.locator("#headline")).to_have_text(_COLD, timeout=_PATIENCE)
            drawing = await terminal()
            await gateway.until(_is_in_mid_load, pool=_POOL, within=_WITHIN)
            save("load", await desk.screenshot())
            await _take_phone(phone)
        await _take_drawing("top", drawing, browser)
        await expect(dark.locator("#headline")).to_have_text("Quiet: nobody waits, and no pod runs.", timeout=_PATIENCE)
        await expect(dark.locator("#sessions td:nth-child(2)")).to_have_text(["none"] * 5, timeout=_PATIENCE)
        await _take("zero", dark)


def _is_in_mid_load(view: dict[str, Any]) -> bool:
    return sum(int(backend["served"]) for backend in view["backends"]) >= _IN_MID_LOAD


@asynccontextmanager
async def _shown(browser: Browser, url: str, *, width: int, **context: Any) -> AsyncIterator[Page]:
    """A live page, where nothing is in the middle of a movement."""
    page = await browser.new_page(viewport={"width": width, "height": 900}, reduced_motion="reduce", **context)
    await page.goto(url)
    await expect(page.locator("#connection")).to_have_text("Live", timeout=_PATIENCE)
    yield page
    await page.close()


async def _waiting_page(browser: Browser, gateway: RunningGateway) -> None:
    """By now a start was measured: the page can say how long it takes."""
    page = await browser.new_page(viewport={"width": 760, "height": 420}, reduced_motion="reduce")
    await page.goto(gateway.url)
    await expect(page.get_by_role("status")).to_contain_text("is starting", timeout=_PATIENCE)
    await _take("waiting", page)
    await page.close()


async def _take(name: str, page: Page) -> None:
    save(name, await page.screenshot(full_page=True))


async def _take_phone(page: Page) -> None:
    """As far as the lanes: all of it would be a ribbon."""
    lanes = await page.locator("#pods").bounding_box()
    assert lanes is not None
    clip: FloatRect = {"x": 0.0, "y": 0.0, "width": float(_PHONE), "height": lanes["y"] + lanes["height"] + 16}
    save("phone", await page.screenshot(full_page=True, clip=clip))


@asynccontextmanager
async def _terminal(url: str) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """The terminal view, as a function that draws it: SVG."""
    async with OperatorsPort(url) as port, Top(port, every=_NEVER).run_test(size=_TERMINAL) as pilot:

        async def drawn() -> str:
            assert isinstance(pilot.app, Top)
            await pilot.app.refresh_pools()
            await pilot.pause()
            return pilot.app.export_screenshot(title="gateway top")

        yield drawn


async def _take_drawing(name: str, svg: str, browser: Browser) -> None:
    page = await browser.new_page(viewport={"width": 1000, "height": 600})
    await page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block; width: 100% }}</style>{svg}")
    save(name, await page.locator("svg").screenshot())
    await page.close()


if __name__ == "__main__":
    asyncio.run(main())
