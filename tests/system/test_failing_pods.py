"""Pods that are up and fail: at once, by breaking off, by turns, for good. Each costs a few pictures, and gets no more
until it is tried again; what the operators are told says why."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import asynccontextmanager
from itertools import cycle
from typing import TYPE_CHECKING, Any

import pytest

from gateway.load.plan import LoadPlan
from gateway.load.sender import run_load
from tests.doubles.fault_pod import FaultPod, fault_pods
from tests.system.callers import TXT2IMG
from tests.system.running_gateway import RunningGateway, configuration, processes, running_gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def one_of_four_fails(
    directory: Path, *habit: str, work: float = 0.005, **settings: Any
) -> AsyncIterator[tuple[RunningGateway, FaultPod]]:
    """A gateway before four pods, of which one takes so many seconds to answer in these ways, over and over. An
    ejection lasts for longer than the test."""
    async with fault_pods(4, work=0.05) as pods:
        bad = pods[0]
        bad.habit, bad.work = cycle(habit), work
        pool = {"backends": {"static": [pod.url for pod in pods]}, "health": {"rest": 60}, **settings}
        async with running_gateway(directory, configuration(pool)) as gateway:
            await gateway.ready(4)
            yield gateway, bad


async def paint(gateway: RunningGateway, pictures: int = 120) -> Counter[int | None]:
    """Status codes of so many, eight at a time, without cookies."""
    result = await run_load(LoadPlan(gateway.url + TXT2IMG, pictures, 8, "POST"), lambda progress: None)
    return Counter(one.status for one in result.ended)


def is_at(pod: FaultPod, backend: dict[str, Any]) -> bool:
    return bool(backend["address"] == f"127.0.0.1:{pod.port}")


async def test_one_of_four_that_answers_500_at_once_costs_a_few_pictures(tmp_path: Path) -> None:
    async with one_of_four_fails(tmp_path, "fails") as (gateway, bad):
        codes = await paint(gateway)
        assert codes[500] <= 5  # before backends were judged by their answers: 86
        assert codes[200] + codes[500] == 120

        (event,) = gateway.events("backend_ejected")
        (ejected,) = [b for b in (await gateway.snapshot())["backends"] if b["state"] == "ejected"]
        assert is_at(bad, ejected)
        assert event["evidence"].endswith("the last one: it answered 500")
        assert (event["backend"], event["evidence"]) == (ejected["name"], ejected["fails_because"])
        assert await gateway.total("gateway_ejections_total") == 1
        assert await gateway.total("gateway_backends", state="ejected") == 1
        assert await gateway.total("gateway_backend_errors_total", backend=ejected["name"]) == codes[500]


async def test_one_that_breaks_off_is_not_kept_in_the_game_by_its_idle_probe(tmp_path: Path) -> None:
    settings = {"profile": "a1111", "readiness": {"settle": 0, "period": 0.1}}
    async with one_of_four_fails(tmp_path, "close_after", work=0.02, **settings) as (gateway, bad):
        before = (await gateway.snapshot())["counts"]["quarantines"]  # of pods that were unknown at first
        codes = Counter[int | None]()
        while not gateway.events("backend_ejected"):
            codes += await paint(gateway)
        assert codes[502] <= 5  # before: 17 of 56, as many as its probe had time to free it for
        assert codes[200] + codes[502] == codes.total()

        (event,) = gateway.events("backend_ejected")
        assert event["evidence"].endswith("the last one: it broke off before its answer")
        assert (await gateway.snapshot())["counts"]["quarantines"] - before == codes[502]
        (ejected,) = [b for b in (await gateway.snapshot())["backends"] if b["state"] == "ejected"]
        kept = gateway.events("slot_quarantined")[0]
        assert (kept["backend"], kept["evidence"]) == (ejected["name"], "backend_broke_before_answer")
        assert is_at(bad, ejected)


async def test_one_that_answers_well_now_and_then_is_found_out_by_its_share(tmp_path: Path) -> None:
    async with one_of_four_fails(tmp_path, "fails", "fails", "well") as (gateway, bad):
        codes = await paint(gateway)
        assert codes[500] <= 10
        assert codes[200] + codes[500] == 120
        (event,) = gateway.events("backend_ejected")
        assert "turns failed" in event["evidence"]
        (ejected,) = [b for b in (await gateway.snapshot())["backends"] if b["state"] == "ejected"]
        assert is_at(bad, ejected)


async def test_where_a_5xx_is_an_answer_like_others_nobody_is_ejected(tmp_path: Path) -> None:
    async with one_of_four_fails(tmp_path, "fails", profile="generic", health={"errors": 0}) as (gateway, bad):
        codes = await paint(gateway)
        assert codes[500] == len(bad.jobs) > 5
        assert gateway.events("backend_ejected") == gateway.events("backend_fails") == []
        assert {b["state"] for b in (await gateway.snapshot())["backends"]} == {"ready"}
        assert await gateway.total("gateway_ejections_total") == 0


async def test_a_process_that_fails_whenever_it_comes_back_is_replaced(tmp_path: Path) -> None:
    first_fails = (
        'mkdir taken 2>/dev/null && habit=fails || habit=well; exec "$0" -m tests.doubles.fault_pod --habit $habit "$@"'
    )
    command = ("sh", "-c", first_fails, sys.executable, "--port", "{port}")
    pool = {
        "backends": processes(tmp_path, *command),
        "autoscaling": {"min_scale": 2, "max_scale": 2},
        "health": {"rest": 0.1},
    }
    async with running_gateway(tmp_path, configuration(pool)) as gateway:
        await gateway.ready(2)
        while not gateway.events("process_replaced"):
            await paint(gateway)
        (event,) = gateway.events("process_replaced")
        ejections = gateway.events("backend_ejected")
        assert len(ejections) >= 3
        assert {event["backend"]} == {each["backend"] for each in ejections}
        assert event["evidence"] == ejections[-1]["evidence"]

        await gateway.until(lambda view: [b["state"] for b in view["backends"]] == ["ready", "ready"])
        assert await paint(gateway) == {200: 120}
