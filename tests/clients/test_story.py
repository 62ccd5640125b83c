"""The whole story: two people at two pages and three programs, on two pods that go when all is painted. Prints its
figures."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.clients.person import STAND_IN, STUDIO, Person, people
from tests.clients.studios import Counted, call, counted, is_done, run_program, studios, up
from tests.system.running_gateway import configuration, running_gateway, stand_ins

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

    from playwright.async_api import Browser

    from tests.clients.person import Site
    from tests.system.running_gateway import RunningGateway

    Programs = Callable[[RunningGateway], Awaitable[list[dict[str, Any]]]]

pytestmark = pytest.mark.anyio

PEOPLE, CALLERS = 2, 3
PICTURES = 3  # of each person
CALLS = 2  # of each program

#: Back to nothing soon after the last picture.
_SCALE = {"min_scale": 0, "max_scale": 2, "window": 6}

#: Who comes while there is one pod stays with it, so that a page's state is there: these two are there before.
_BEFORE = {"initial_scale": 2, "window": 20}


class Story:
    """Who took part, and how it went."""

    def __init__(self, gateway: RunningGateway, people: list[Person]) -> None:
        self.people = people
        self.painted: list[dict[str, Any]] = []  # by the programs
        self.seconds = self.until_zero = 0.0
        self.counted = Counted(0)
        self._gateway = gateway

    async def plays(self, programs: Programs) -> None:
        """To the last picture, and on to the end of the last pod."""
        began = time.monotonic()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._programs, programs)
            for number, person in enumerate(self.people):
                tasks.start_soon(_paints, person, f"{number}")
        self.seconds = time.monotonic() - began
        self.counted = await counted(await self._gateway.until(is_done))
        done = time.monotonic()
        await self._gateway.until(lambda view: not view["backends"], within=60)  # every page is open still
        self.until_zero = time.monotonic() - done

    async def _programs(self, programs: Programs) -> None:
        self.painted = await programs(self._gateway)

    async def figures(self, title: str) -> str:
        """As a table."""
        rows = [f"\n{title}: {PEOPLE} people, {CALLERS} programs, 2 pods"]
        for number, person in enumerate(self.people):
            places, parts = sorted(await person.places()), await person.parts()
            rows.append(
                f"  person {number + 1}: {person.pictures} of {PICTURES} pictures; saw {len(parts)} steps of progress; "
                f"places in line: {', '.join(places) or 'none told'}"
            )
        rows.append(f"  programs: {len(self.painted)} of {CALLERS * CALLS} pictures, each as ordered")
        shares = " + ".join(str(share) for share in self.counted.of_each)
        broken = f"{self.counted.two_at_once} times two at once, {self.counted.stopped} stopped by others"
        rows.append(f"  pods: {shares} pictures painted, {broken}")
        rows.append(f"  all painted after {self.seconds:.1f} s; no pod left {self.until_zero:.1f} s later, pages open")
        return "\n".join(rows)


async def _paints(person: Person, name: str) -> None:
    for number in range(PICTURES):
        await person.asks(f"{name}{number} by hand")
        await person.gets_it()
        await person.stops()


@asynccontextmanager
async def story(
    directory: Path, config: Mapping[str, Any], browser: Browser, site: Site, *, pods: int = 0
) -> AsyncIterator[tuple[RunningGateway, Story]]:
    """With the pages open, before anybody has clicked. `pods`: those that are awaited first."""
    async with running_gateway(directory, config, within=220) as gateway:
        await up(gateway, pods)
        async with people(browser, gateway.url, site, PEOPLE) as found:
            yield gateway, Story(gateway, found)


async def test_at_a_web_ui(tmp_path: Path, browser: Browser, capsys: pytest.CaptureFixture[str]) -> None:
    """Stand-ins, webuiapi: it and the people say "stop" whenever nothing of theirs is being painted."""
    pool = {
        "profile": "a1111",
        "backends": stand_ins(tmp_path, work=1.5, max=2),
        "autoscaling": _SCALE,
        "rules": [{"match": "GET /stand-in/*", "lane": "passive"}],
    }

    async def programs(gateway: RunningGateway) -> list[dict[str, Any]]:
        host, port = gateway.traffic
        options = ("--callers", str(CALLERS), "--pictures", str(CALLS))
        return await run_program("webuiapi", "webui_caller.py", host, str(port), *options)

    async with story(tmp_path, configuration(pool), browser, STAND_IN) as (_, told):
        await told.plays(programs)
        with capsys.disabled():
            print(await told.figures("AUTOMATIC1111, stand-ins, and webuiapi"))
        by_programs = 2 * CALLERS * CALLS  # each picture is painted over
        assert told.counted == Counted(served=PEOPLE * PICTURES + by_programs)
        assert all(each["told"] == [each["prompt"]] * 2 for each in told.painted)
        assert all(each["farthest"] > 0 for each in told.painted)
        await both_worked_and_everybody_saw(told, places=True)


async def test_at_a_gradio(tmp_path: Path, browser: Browser, capsys: pytest.CaptureFixture[str]) -> None:
    """Gradio 6 and its gradio_client. Its pages keep a stream open as long as they are there."""
    config = studios(tmp_path, "gradio-6", copies=2, work=1.5, autoscaling=_SCALE | _BEFORE)
    async with story(tmp_path, config, browser, STUDIO, pods=2) as (_, told):
        await told.plays(lambda gateway: call(gateway, "gradio-6", callers=CALLERS, pictures=CALLS))
        with capsys.disabled():
            print(await told.figures("Gradio 6 and gradio_client"))
        assert told.counted == Counted(served=PEOPLE * PICTURES + CALLERS * CALLS)
        assert all(each["colour"] == f"{each['prompt'][:2]}0" for each in told.painted)
        assert all("PROGRESS" in each["seen"] for each in told.painted)
        await both_worked_and_everybody_saw(told, places=False)


async def both_worked_and_everybody_saw(told: Story, *, places: bool) -> None:
    assert min(told.counted.of_each) > 0  # and nobody waited for one pod while the other was idle for good
    for person in told.people:
        assert person.pictures == PICTURES
        assert len(await person.parts()) > 1
        assert not places or any(place.startswith("In queue") for place in await person.places())
