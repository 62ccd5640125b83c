"""axe-core finds nothing against the pages: in light, in dark, and on a phone."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Literal

import pytest
from playwright.async_api import expect

from tests.doubles.fault_pod import fault_pods
from tests.system.callers import callers, job
from tests.system.knative_gateway import in_cluster
from tests.system.running_gateway import configuration, processes, running_gateway, stand_ins

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Browser, Page

pytestmark = pytest.mark.anyio

#: The rules' engine itself: what is around it in the package has no types.
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")

FACES: dict[str, tuple[int, Literal["light", "dark"]]] = {
    "light": (1280, "light"),
    "dark": (1280, "dark"),
    "phone": (390, "light"),
}


async def violations(page: Page) -> list[str]:
    """Each rule that is broken, and where."""
    await page.evaluate(AXE)
    found = await page.evaluate("axe.run({resultTypes: ['violations']}).then((results) => results.violations)")
    return [f"{rule['id']}: {rule['help']}\n{node['html']}" for rule in found for node in rule["nodes"]]


async def opened(browser: Browser, url: str, face: str) -> Page:
    width, scheme = FACES[face]
    page = await browser.new_page(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    await page.goto(url)
    return page


@pytest.mark.parametrize("face", FACES)
async def test_of_the_operators_page(tmp_path: Path, browser: Browser, face: str) -> None:
    """With everything on it: who works, who waits, what failed, tables unfolded, a card, and orders to give."""
    (tmp_path / "token").write_text("t" * 32)
    async with fault_pods(1, work=60) as (pod,):
        config = configuration({"backends": {"static": [pod.url, "http://127.0.0.1:9"]}})
        config["ops"] = {**config["ops"], "token_file": "token"}
        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 4) as clients:
            await gateway.ready(1)
            await clients[0].send(job("broken", behave="reset_before"))
            for number, client in enumerate(clients[1:]):
                await client.send(job(number))
            await gateway.until(lambda view: view["line"]["waiting"] >= 2)
            page = await opened(browser, gateway.ops, face)
            await page.get_by_role("button", name="Give orders").click()
            assert await violations(page) == []
            await page.get_by_label("Token").fill("t" * 32)
            await page.get_by_role("button", name="Continue").click()
            await expect(page.locator(".orders button").first).to_be_visible()
            for summary in await page.locator("summary:visible").all():
                await summary.click()
            await page.locator("#queue .track").focus()
            await page.keyboard.press("ArrowRight")
            await expect(page.locator("#detail")).to_be_visible()
            assert await violations(page) == []
            await page.close()


@pytest.mark.parametrize("face", FACES)
async def test_of_what_knative_says(tmp_path: Path, browser: Browser, face: str) -> None:
    async with in_cluster(tmp_path, knative={"accounting": "proxied"}) as one:
        page = await opened(browser, one.gateway.ops, face)
        await page.locator("#knative summary").click()
        await expect(page.locator("#knative details tbody")).to_contain_text("concurrency")
        one.cluster.api.faults.refuse("watch", "revisions", message="may not")
        one.cluster.api.faults.break_watches()
        await one.cluster.autoscaler.stop()
        await expect(page.locator("#stale")).to_be_visible(timeout=15_000)
        await expect(page.locator("#knative .link")).to_contain_text("has not heard")
        assert await violations(page) == []
        await page.close()


@pytest.mark.parametrize("face", FACES)
async def test_of_the_waiting_page(tmp_path: Path, browser: Browser, face: str) -> None:
    pool = {"profile": "a1111", "backends": stand_ins(tmp_path, boot=60, max=1)}
    async with running_gateway(tmp_path, configuration(pool)) as gateway:
        page = await opened(browser, gateway.url, face)
        await expect(page.get_by_role("status")).to_have_text("One backend is starting.")
        assert await violations(page) == []


async def test_of_the_page_of_an_error(tmp_path: Path, browser: Browser) -> None:
    command = ("{python}", "-c", "raise SystemExit('no GPU here')", "{port}")
    pool = {"profile": "a1111", "backends": processes(tmp_path, *command, max=1), "hosts": ["sd.example"]}
    async with running_gateway(tmp_path, configuration(pool)) as gateway:
        page = await opened(browser, gateway.url, "light")
        await expect(page.get_by_role("heading")).to_be_visible()
        assert await violations(page) == []
