"""The job the gateway is for, by eye alone: from zero, five pods rising, no bar over another, back to zero."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import anyio
import pytest
from playwright.async_api import expect

from tests.system.callers import TXT2IMG
from tests.system.running_gateway import configuration, running_gateway, stand_ins
from tests.system.shell import run

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

pytestmark = pytest.mark.anyio

_LOAD = (sys.executable, "-m", "gateway", "load", "-n", "50", "-c", "5", "-t", "60", "-m", "POST")
_BODY = '{"prompt": "pretty dog"}'


async def test_the_page_tells_it_and_agrees_with_the_load(tmp_path: Path, page: Page) -> None:
    pool = {
        "profile": "a1111",
        "backends": stand_ins(tmp_path, boot=1.5, max=10),
        "autoscaling": {"max_scale": 10, "window": 6},
        "expose_backend": True,
    }
    async with running_gateway(tmp_path, configuration(pool)) as gateway:
        await page.goto(gateway.ops)
        await expect(page.locator("#headline")).to_have_text("Quiet: nobody waits, and no pod runs.")
        said = list[str]()

        async def load() -> None:
            said.append(await run(*_LOAD, "-d", _BODY, gateway.url + TXT2IMG))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(load)
            await expect(page.locator("#headline")).to_contain_text("no pod is ready yet, 5 are starting")
            await expect(page.locator("#queue .bar.waiting")).to_have_count(5)
            await expect(page.locator(".lane .band.starting")).to_have_count(5)
            await expect(page.locator(".lane .bar.working")).to_have_count(5)
        await expect(page.locator(".lane .bar.served")).to_have_count(50)
        await expect(page.locator(".bar.collides")).to_have_count(0)
        await expect(page.locator("#figures [data-figure=served] dd")).to_have_text("50")
        assert "[200]\t50 responses" in said[0]
        assert await served(page) == dict(re.findall(r"(pod-\d+) +\[(\d+)\]", said[0]))

        await expect(page.locator("#headline")).to_have_text("Quiet: nobody waits, and no pod runs.", timeout=20_000)
        await expect(page.locator(".lane[data-state=gone]")).to_have_count(5)
        await expect(page.locator(".lane .bar.served")).to_have_count(50)
        await expect(page.locator("[data-panel=pods] b")).to_have_text(["0", "0", "0"])


async def served(page: Page) -> dict[str, str]:
    """Of each pod, as its lane says."""
    lanes = await page.locator(".lane").all()
    told = [(await lane.locator(".name").inner_text(), await lane.locator(".sum").inner_text()) for lane in lanes]
    return {name: sum_.removesuffix(" served") for name, sum_ in told}
