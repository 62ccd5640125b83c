"""What the buttons of the stand-in's page do, and how its configuration tells of them."""

from __future__ import annotations

import json

import anyio
import anyio.lowlevel
import httpx
import pytest

from gateway.demo.a1111.api import A1111Api
from gateway.demo.a1111.checkpoints import TITLES
from gateway.demo.a1111.functions import (
    CHECKPOINT,
    CONFIG,
    COUNT_TOKENS,
    ENTER,
    GENERATE,
    INTERROGATE,
    INTERRUPT,
    RELOAD_UI,
    RESTORE,
    SKIP,
    STOP_TRAINING,
    UNLOAD,
)
from gateway.demo.gpu import Gpu
from gateway.profiles.registry import profile
from gateway.profiles.treatment import Functions, PageFunctions

pytestmark = pytest.mark.anyio


async def clicks(client: httpx.AsyncClient, number: int, *data: object) -> httpx.Response:
    return await client.post("/run/predict", json={"fn_index": number, "data": data})


async def stats(client: httpx.AsyncClient) -> dict[str, int]:
    told: dict[str, int] = (await client.get("/stand-in/stats")).json()
    return told


def client_of(work: float) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=A1111Api(Gpu(), work).application())
    return httpx.AsyncClient(transport=transport, base_url="http://pod")


@pytest.mark.parametrize("stop", [INTERRUPT, SKIP, STOP_TRAINING, RELOAD_UI])
async def test_four_buttons_end_whatever_is_painted(stop: int) -> None:
    async with client_of(work=3600) as client, anyio.create_task_group() as group:
        group.start_soon(clicks, client, GENERATE, "task(a)", "a dog")
        await anyio.wait_all_tasks_blocked()
        assert (await clicks(client, COUNT_TOKENS, "x")).json()["data"] == []
        await clicks(client, stop)
        while (await stats(client))["running"]:
            await anyio.lowlevel.checkpoint()
        assert (await stats(client))["stopped"] == 1
        assert (await clicks(client, stop)).status_code == 200  # nothing runs: it is lost


@pytest.mark.parametrize(
    ("number", "data"), [(GENERATE, ("task(b)", "a dog")), (INTERROGATE, ()), (CHECKPOINT, (TITLES[1],))]
)
async def test_three_use_the_gpu_with_a_task_or_without(number: int, data: tuple[object, ...]) -> None:
    async with client_of(work=3600) as client, anyio.create_task_group() as group:
        group.start_soon(clicks, client, GENERATE, "task(a)", "a dog")
        await anyio.wait_all_tasks_blocked()
        refused = await clicks(client, number, *data)
        assert (refused.status_code, "came while txt2img" in refused.json()["error"]) == (500, True)
        await clicks(client, INTERRUPT)
    async with client_of(work=0) as client:
        assert (await clicks(client, number, *data)).json()["data"][0]
        assert (await stats(client))["served"] == 1


async def test_a_page_that_was_loaded_again_waits_for_its_result_and_two_are_kept() -> None:
    async with client_of(work=3600) as client, anyio.create_task_group() as group:
        group.start_soon(clicks, client, GENERATE, "task(a)", "a dog")
        await anyio.wait_all_tasks_blocked()
        with anyio.move_on_after(0.01) as waiting:
            await clicks(client, RESTORE, "task(a)")
        assert waiting.cancelled_caught
        await clicks(client, INTERRUPT)
        assert (await clicks(client, RESTORE, "task(a)")).json()["data"][0][0]["is_file"]
        for task in ("task(b)", "task(c)"):
            group.start_soon(clicks, client, ENTER, task, "a cat")
            await anyio.wait_all_tasks_blocked()
            await clicks(client, INTERRUPT)
            assert (await clicks(client, RESTORE, task)).json()["data"][0]
        assert (await clicks(client, RESTORE, "task(a)")).json()["data"] == [
            None,
            "Couldn't restore progress for task(a)",
        ]


async def test_the_list_of_checkpoints_sets_the_option() -> None:
    async with client_of(work=0) as client:
        await clicks(client, CHECKPOINT, TITLES[2])
        assert (await client.get("/sdapi/v1/options")).json()["sd_model_checkpoint"] == TITLES[2]


def test_the_gateway_knows_them() -> None:
    probe = profile("a1111").functions
    assert probe is not None
    assert probe.reads(200, json.dumps(CONFIG).encode()) == PageFunctions(
        stopping=Functions(frozenset({INTERRUPT, SKIP, STOP_TRAINING})),
        working=Functions(frozenset({GENERATE, ENTER, INTERROGATE, CHECKPOINT, UNLOAD})),
        denied=Functions(frozenset({RELOAD_UI})),
        restoring=Functions(frozenset({RESTORE})),
    )
