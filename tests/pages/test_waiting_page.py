"""The waiting page in a browser (Debian: `chromium`): it goes on by itself, with scripts and without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import expect

from tests.system.running_gateway import configuration, processes, running_gateway, stand_ins

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Browser

pytestmark = pytest.mark.anyio


def one_pod(directory: Path, **cold_start: Any) -> dict[str, Any]:
    backends = stand_ins(directory, boot=5, max=1)
    return configuration({"profile": "a1111", "backends": backends, "cold_start": cold_start})


@pytest.mark.parametrize("scripts", [True, False])
async def test_it_becomes_the_page_that_was_asked_for(tmp_path: Path, browser: Browser, scripts: bool) -> None:
    async with running_gateway(tmp_path, one_pod(tmp_path)) as gateway:
        page = await browser.new_page(java_script_enabled=scripts)
        complaints = list[str]()
        page.on("console", lambda told: complaints.append(told.text))
        answer = await page.goto(gateway.url)
        assert answer is not None
        assert answer.status == 503
        await expect(page.get_by_role("heading")).to_have_text("Starting …")
        if scripts:
            await expect(page.get_by_role("status")).to_have_text("One backend is starting.")
        await expect(page).to_have_title("A1111 stand-in", timeout=20_000)
        view = await gateway.snapshot()
        assert (view["demand"], view["counts"]["starts_watched"]) == (0, 1)
        assert [text for text in complaints if "Security" in text] == []


async def test_it_says_why_nothing_starts(tmp_path: Path, browser: Browser) -> None:
    command = ("{python}", "-c", "raise SystemExit('no GPU here')", "{port}")
    pool = {"profile": "a1111", "backends": processes(tmp_path, *command, max=1)}
    async with running_gateway(tmp_path, configuration(pool)) as gateway:
        page = await browser.new_page()
        await page.goto(gateway.url)
        await expect(page.get_by_text("no GPU here")).to_be_visible(timeout=20_000)


async def test_a_page_of_ones_own_goes_on_as_well(tmp_path: Path, browser: Browser) -> None:
    own = tmp_path / "own.html"
    own.write_text("<!doctype html><title>Soon</title>$follow<p id=told data-start=state>$state</p>", encoding="utf-8")
    async with running_gateway(tmp_path, one_pod(tmp_path, page=str(own))) as gateway:
        page = await browser.new_page()
        await page.goto(gateway.url)
        await expect(page).to_have_title("Soon")
        await expect(page.locator("#told")).to_have_text("One backend is starting.")
        await expect(page).to_have_title("A1111 stand-in", timeout=20_000)
