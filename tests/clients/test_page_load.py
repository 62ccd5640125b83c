"""How long a real page takes to load, through the gateway and from the pod itself, in turns. Figures, and no verdict:
the machine may be busy with other things."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING

import pytest

from tests.clients.person import STUDIO, Person
from tests.clients.studios import studios, up
from tests.system.running_gateway import running_gateway

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Browser

pytestmark = pytest.mark.anyio

ROUNDS = 12


@pytest.mark.parametrize("name", ["gradio-3", "gradio-4", "gradio-5", "gradio-6"])
async def test_a_page_of_many_files(
    tmp_path: Path, browser: Browser, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_gateway(tmp_path, studios(tmp_path, name, copies=1), within=200) as gateway:
        view = await up(gateway, 1)
        direct = f"http://{view['backends'][0]['address']}"
        files = await _files(browser, gateway.url)
        seconds: dict[str, list[float]] = {direct: [], gateway.url: []}
        for number in range(ROUNDS):
            for url in (direct, gateway.url) if number % 2 else (gateway.url, direct):
                seconds[url].append(await _load(browser, url))
        itself, through = median(seconds[direct]), median(seconds[gateway.url])
        with capsys.disabled():
            print(
                f"\n{name}: a page of {files} files can be used after {itself:.3f} s from the pod itself, "
                f"{through:.3f} s through the gateway: ratio {through / itself:.2f} (medians of {ROUNDS})"
            )


async def _load(browser: Browser, url: str) -> float:
    """Seconds until the page can be used, in a browser that has nothing of it yet."""
    context = await browser.new_context()
    person = Person(await context.new_page(), STUDIO)
    began = time.perf_counter()
    await person.open(url)
    seconds = time.perf_counter() - began
    await context.close()
    return seconds


async def _files(browser: Browser, url: str) -> int:
    """How many come from there with the page. Fails if one does not."""
    context = await browser.new_context()
    page = await context.new_page()
    came = list[tuple[int, str]]()
    page.on("response", lambda answer: came.append((answer.status, answer.url)))
    await Person(page, STUDIO).open(url)
    await context.close()
    assert [each for each in came if each[0] >= 400] == []
    return sum(each.startswith(url) for _, each in came)
