"""What is on the time axis of the operators' page, how much of it, and what leads through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.doubles.fault_pod import fault_pods
from tests.system.callers import callers, job, leave
from tests.system.running_gateway import configuration, running_gateway

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Browser, Locator, Page

pytestmark = pytest.mark.anyio


async def width(element: Locator) -> float:
    box = await element.bounding_box()
    assert box is not None
    return box["width"]


async def test_who_waits_is_seen_and_who_left_the_line(tmp_path: Path, page: Page) -> None:
    async with fault_pods(1, work=60) as (pod,):
        config = configuration({"backends": {"static": [pod.url]}})
        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 3) as clients:
            await gateway.ready(1)
            await page.goto(gateway.ops)
            for number, client in enumerate(clients):
                await client.send(job(number))
            await expect(page.locator("#queue .bar.waiting")).to_have_count(2)
            await expect(page.locator("#queue .state")).to_contain_text("2 wait, longest")
            await expect(page).to_have_title("2 waiting – Gateway")
            await page.locator("#queue .track").focus()
            await page.keyboard.press("ArrowLeft")
            await expect(page.locator("#detail")).to_contain_text("any pod")

            await leave(gateway, clients[2], "reset")
            await expect(page.locator("#queue .bar.client_gone")).to_have_count(1)
            pod.work = 0.05
            pod.finish()
            await expect(page.locator(".lane .bar.served")).to_have_count(2)
            await expect(page.locator("#queue .bar.waiting")).to_have_count(0)
            await expect(page.locator(".lane .wait:visible")).to_have_count(1)
            await expect(page).to_have_title("Gateway")


async def test_a_page_that_is_opened_later_knows_since_when_pods_are_ready(tmp_path: Path, page: Page) -> None:
    async with fault_pods(1) as (pod,):
        config = configuration({"backends": {"static": [pod.url]}})
        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 1) as (client,):
            await gateway.ready(1)
            await client.send(job(1))
            assert (await client.answer()).status == 200
            await page.goto(gateway.ops)
            await expect(page.locator(".lane .bar.served")).to_have_count(1)
            lefts = (
                "(lane) => ['.band.ready', '.bar'].map((one) => lane.querySelector(one).getBoundingClientRect().left)"
            )
            ready, served = await page.locator(".lane").evaluate(lefts)
            assert ready <= served


async def test_a_pointer_that_rests_takes_nothing_from_the_keys(tmp_path: Path, page: Page) -> None:
    async with fault_pods(1, work=60) as (pod,):
        config = configuration({"backends": {"static": [pod.url]}})
        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 2) as clients:
            await gateway.ready(1)
            await page.goto(gateway.ops)
            for number, client in enumerate(clients):
                await client.send(job(number))
            await expect(page.locator("#queue .bar.waiting")).to_have_count(1)
            await page.locator("#queue .track").focus()
            await page.keyboard.press("ArrowRight")
            await page.locator(".lane .track").hover(position={"x": 5, "y": 5})
            await page.locator("#queue .track").hover(position={"x": 5, "y": 5})
            await page.locator("h1").hover()
            await expect(page.locator("#detail")).to_be_visible()
            await page.keyboard.press("Escape")
            await expect(page.locator("#detail")).to_be_hidden()
            pod.finish()


async def test_the_axis_shows_as_much_as_is_chosen(tmp_path: Path, page: Page) -> None:
    async with fault_pods(1) as (pod,):
        config = configuration({"backends": {"static": [pod.url]}})
        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 1) as (client,):
            await gateway.ready(1)
            await client.send(job(1))
            assert (await client.answer()).status == 200
            await page.emulate_media(reduced_motion="reduce")
            await page.goto(gateway.ops)
            marks = page.locator("#pods .axis span")
            await expect(marks).to_have_text(["30 s ago", "20 s", "10 s", "now"])  # what there is needs no more
            layer = page.locator(".lane .layer")
            near = await width(layer)
            await page.get_by_role("radio", name="auto").focus()
            for _ in range(3):
                await page.keyboard.press("ArrowRight")
            await expect(marks).to_have_text(["120 s ago", "90 s", "60 s", "30 s", "now"])
            await expect(page.locator("#scale .axis span")).to_have_count(5)
            assert await width(layer) == pytest.approx(near / 4, rel=0.01)


async def test_the_curves_end_with_the_figures_of_the_snapshot(tmp_path: Path, page: Page) -> None:
    async with fault_pods(2, work=60) as pods:
        config = configuration({"backends": {"static": [pod.url for pod in pods]}})
        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 5) as clients:
            await gateway.ready(2)
            await page.goto(gateway.ops)
            for number, client in enumerate(clients):
                await client.send(job(number))
            await gateway.until(lambda view: view["line"]["waiting"] == 3)
            await expect(page.locator("[data-panel=requests] b")).to_have_text(["2", "3", "–"])
            await expect(page.locator("[data-panel=pods] b")).to_have_text(["2", "0", "–"])
            await expect(page.get_by_role("img", name="Now 2 at work, 3 waiting")).to_be_visible()


async def test_tab_goes_from_the_top_to_the_bottom(tmp_path: Path, page: Page) -> None:
    config = configuration({"backends": {"static": ["http://127.0.0.1:9"]}})
    async with running_gateway(tmp_path, config) as gateway:
        await page.goto(gateway.ops)
        await expect(page.locator(".lane")).to_have_count(1)
        stops = list[str]()
        for _ in range(7):
            await page.keyboard.press("Tab")
            stops.append(
                await page.evaluate(
                    "(({textContent, ariaLabel, value}) => (ariaLabel ?? (textContent || value)).split(':')[0])"
                    "(document.activeElement)"
                )
            )
        tables = ["The pods as a table", "Demand and pods as a table"]
        assert stops == ["Skip to the pods", "sd", "auto", "Line", "127.0.0.1", *tables]


async def test_nothing_glides_for_those_who_do_not_want_it(tmp_path: Path, browser: Browser) -> None:
    config = configuration({"backends": {"static": ["http://127.0.0.1:9"]}})
    async with running_gateway(tmp_path, config) as gateway:
        page = await browser.new_page(reduced_motion="reduce")
        await page.goto(gateway.ops)
        await expect(page.locator(".lane")).to_have_count(1)
        moving = "[...document.querySelectorAll('*')].filter((e) => getComputedStyle(e).transitionDuration !== '0s')"
        assert await page.evaluate(f"{moving}.map((e) => e.className || e.tagName)") == []
        await page.close()
