"""Real pages in a real browser: two people, one pod, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clients.person import STUDIO, people
from tests.clients.studios import Counted, counted, is_done, studios, up
from tests.system.running_gateway import running_gateway

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Browser

pytestmark = pytest.mark.anyio

#: What a page shows while its job is in line: of Gradio 3, with which the gateway speaks, its place and the seconds
#: since the click; of the others the seconds.
_IN_LINE = {
    "gradio-3": r"queue: 1/1 \| \d+\.\d+",
    **dict.fromkeys(("gradio-4", "gradio-5", "gradio-6"), r"\d+\.\d+s"),
}


@pytest.mark.parametrize("name", _IN_LINE)
async def test_one_paints_while_another_is_in_line_and_both_see_it(tmp_path: Path, browser: Browser, name: str) -> None:
    async with running_gateway(tmp_path, studios(tmp_path, name, copies=1, work=3), within=200) as gateway:
        await up(gateway, 1)
        async with people(browser, gateway.url, STUDIO, 2) as (first, second):
            await first.asks("red")
            await gateway.until(lambda view: view["in_flight"] == 1)
            await second.asks("blue")
            await gateway.until(lambda view: view["line"]["waiting"] == 1)
            await second.sees(_IN_LINE[name])
            await first.sees("Painting - ")
            await first.gets_it()
            await second.sees("Painting - ")
            await second.gets_it()
            told = [(await person.is_told()).partition(",")[0] for person in (first, second)]
            assert told == ["red: number 1", "blue: number 1"]
            view = await gateway.until(is_done)  # though both pages are open
            assert await counted(view) == Counted(served=2)
