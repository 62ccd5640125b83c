"""The web UI's page, which is Gradio 3's, in a browser (Debian: `chromium`): two people, one pod."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from gateway.demo.a1111.page import PAGE
from tests.system.promises import is_quiet
from tests.system.running_gateway import configuration, running_gateway, stand_ins

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Browser, Page

pytestmark = pytest.mark.anyio

#: What the bar says of a job at work.
PAINTS = re.compile(r"\d+%")


async def visits(browser: Browser, url: str) -> Page:
    """Somebody else, with cookies of their own."""
    page = await (await browser.new_context()).new_page()
    await page.goto(url)
    return page


async def test_one_paints_one_sees_the_place_in_line_and_nobody_stops_anothers_picture(
    tmp_path: Path, browser: Browser
) -> None:
    scale = {"min_scale": 1, "max_scale": 1}
    backends = stand_ins(tmp_path, boot=0.1, work=3600)
    config = configuration({"profile": "a1111", "backends": backends, "autoscaling": scale})
    async with running_gateway(tmp_path, config) as gateway:
        await gateway.ready(1)
        ann, bob, eve = [await visits(browser, gateway.url) for _ in range(3)]
        await ann.click("#txt2img_generate")
        await expect(ann.locator("#bar")).to_have_text(PAINTS)
        await bob.click("#txt2img_generate")
        await expect(bob.locator("#bar")).to_have_text("In queue: 1/1")
        await eve.click("#txt2img_interrupt")  # she has no job
        await eve.click("#txt2img_generate")
        await expect(eve.locator("#bar")).to_have_text("In queue: 2/2")
        await eve.click("#txt2img_interrupt")  # hers is in line
        await expect(eve.locator("#said")).to_contain_text("Taken out of the line")
        await expect(eve.locator("#bar")).to_be_empty()  # at once: the real one would wait in vain for 40 s
        await expect(eve.locator("#txt2img_generate")).to_be_enabled()
        await expect(ann.locator("#bar")).to_have_text(PAINTS)
        await ann.click("#txt2img_interrupt")
        await expect(ann.locator("#said")).to_have_text("done")
        await expect(ann.get_by_alt_text("the picture")).to_be_visible()
        await expect(bob.locator("#bar")).to_have_text(PAINTS)
        await bob.click("#txt2img_interrupt")
        await expect(bob.locator("#said")).to_have_text("done")
        await gateway.until(is_quiet)


async def test_who_clicks_while_no_pod_runs_sees_that_one_starts(tmp_path: Path, browser: Browser) -> None:
    """The bar asks before the click's websocket is open, and goes away for good at an answer that is not 200."""
    config = configuration({"profile": "a1111", "backends": stand_ins(tmp_path, boot=2, work=0.5)})
    async with running_gateway(tmp_path, config) as gateway:
        ann = await browser.new_page()
        await ann.goto(gateway.url + "/.gateway/healthz")  # of this origin, and starts nothing
        await ann.evaluate("history.replaceState(null, '', '/')")
        await ann.set_content(PAGE)
        await ann.click("#txt2img_generate")
        await expect(ann.locator("#bar")).to_have_text("Starting ... In queue: 1/1")
        await expect(ann.locator("#said")).to_have_text("done", timeout=20_000)
        await gateway.until(is_quiet)
        polls = [line for line in await gateway.access(3) if line["target"] == "/internal/progress"]
        assert {(line["status"], line["outcome"]) for line in polls} == {(200, "served")}
