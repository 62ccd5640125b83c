"""Pages of Gradio 3 in front of a stand-in that is one at a time only if the gateway sees to it."""

from __future__ import annotations

import json
import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from websockets.asyncio.client import connect

from gateway.demo.a1111.functions import (
    CHECKPOINT,
    COUNT_TOKENS,
    ENTER,
    GENERATE,
    INTERROGATE,
    INTERRUPT,
    RELOAD_UI,
    RESTORE,
    SKIP,
    STOP_TRAINING,
)
from tests.system.promises import is_quiet
from tests.system.running_gateway import configuration, running_gateway, stand_ins

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from websockets.asyncio.client import ClientConnection

    from tests.system.running_gateway import RunningGateway

pytestmark = pytest.mark.anyio


def one_pod(directory: Path, *, work: float) -> dict[str, Any]:
    scale = {"min_scale": 1, "max_scale": 1}
    backends = stand_ins(directory, boot=0.1, work=work)
    return configuration({"profile": "a1111", "backends": backends, "autoscaling": scale})


class Visitor:
    """Somebody who has loaded the page, and clicks."""

    def __init__(self, gateway: RunningGateway, cookie: str) -> None:
        self._host, self._port = gateway.traffic
        self._cookie = {"cookie": cookie}

    @asynccontextmanager
    async def clicks(self, number: int, *data: str) -> AsyncIterator[ClientConnection]:
        """A click that has been told; the page leaves with the block."""
        who = {"fn_index": number, "session_hash": "s"}
        async with connect(
            "ws://sd.example/queue/join",
            host=self._host,
            port=self._port,
            additional_headers=self._cookie,
            proxy=None,
        ) as socket:
            assert json.loads(await socket.recv())["msg"] == "send_hash"
            await socket.send(json.dumps(who))
            assert json.loads(await socket.recv())["msg"] == "send_data"
            await socket.send(json.dumps({"data": data, **who}))
            yield socket

    async def gets(self, number: int, *data: str) -> dict[str, Any]:
        """What comes of a click."""
        async with self.clicks(number, *data) as socket:
            return await last(socket)


async def until(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """The first message of that kind."""
    async for message in socket:
        told: dict[str, Any] = json.loads(message)
        if told["msg"] == kind:
            return told
    raise AssertionError(f"closed without {kind}")


async def last(socket: ClientConnection) -> dict[str, Any]:
    """How it ended."""
    return await until(socket, "process_completed")


@asynccontextmanager
async def visited(gateway: RunningGateway, count: int) -> AsyncIterator[list[Visitor]]:
    visitors = []
    for _ in range(count):
        async with httpx.AsyncClient(base_url=gateway.url, headers={"host": "sd.example"}, trust_env=False) as client:
            page = (await client.get("/")).raise_for_status()
            visitors.append(Visitor(gateway, page.headers["set-cookie"].partition(";")[0]))
    yield visitors


async def stats(gateway: RunningGateway) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=gateway.url, headers={"host": "sd.example"}, trust_env=False) as client:
        counted: dict[str, Any] = (await client.get("/stand-in/stats")).json()
        return counted


async def test_jobs_wait_for_one_another_and_light_clicks_for_nobody(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, one_pod(tmp_path, work=1)) as gateway:
        await gateway.ready(1)
        async with (
            visited(gateway, 3) as (ann, bob, cid),
            ann.clicks(GENERATE, "task(a)", "a dog") as painting,
        ):
            await until(painting, "process_starts")
            async with bob.clicks(GENERATE, "task(b)", "a cat") as waiting:
                place = await until(waiting, "estimation")
                assert (place["rank"], place["queue_size"]) == (0, 1)
                async with cid.clicks(GENERATE, "task(c)", "a cow") as leaving:
                    assert (await until(leaving, "estimation"))["rank"] == 1
                assert (await cid.gets(COUNT_TOKENS, "a cow"))["success"]
                assert (await gateway.snapshot())["in_flight"] == 1
                assert (await last(painting))["output"]["data"][0][0]["is_file"]
                assert (await last(waiting))["success"]
        await gateway.until(is_quiet)
        counted = await stats(gateway)
        assert (counted["served"], counted["two_at_once"]) == (2, 0)


async def test_a_page_without_cookies_gets_its_pictures_from_the_pod_that_painted_them(tmp_path: Path) -> None:
    """In a frame of another site a browser sends none. On two real copies 6 of 8 pictures were refused."""
    backends = stand_ins(tmp_path, boot=0.1, work=0.1)
    pool = {"profile": "a1111", "backends": backends, "autoscaling": {"min_scale": 2, "max_scale": 2}}
    async with running_gateway(tmp_path, configuration(pool)) as gateway:
        await gateway.ready(2)
        framed = Visitor(gateway, "")
        painted = [(await framed.gets(GENERATE, f"task({task})", "a dog"))["output"]["data"] for task in range(4)]
        async with httpx.AsyncClient(base_url=gateway.url, headers={"host": "sd.example"}, trust_env=False) as client:
            for [[picture]] in painted * 2:
                client.cookies.clear()
                assert (await client.get(f"/file={picture['name']}")).status_code == 200


async def test_a_page_that_is_closed_leaves_the_pod_at_work_and_its_slot_taken(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, one_pod(tmp_path, work=1)) as gateway:
        await gateway.ready(1)
        async with visited(gateway, 2) as (ann, bob):
            async with ann.clicks(GENERATE, "task(a)", "a dog") as painting:
                await until(painting, "process_starts")
            assert (await bob.gets(GENERATE, "task(b)", "a cat"))["success"]
        counted = await stats(gateway)
        assert (counted["served"], counted["two_at_once"]) == (2, 0)
        assert sorted(line["code"] for line in await gateway.access(5) if line["target"] == "/queue/join") == [
            "--",
            "CH",
        ]


async def test_a_page_that_is_loaded_again_gets_its_picture_and_waits_for_nobody_elses(tmp_path: Path) -> None:
    """The web UI keeps two results: behind two visitors it would be gone."""
    async with running_gateway(tmp_path, one_pod(tmp_path, work=2)) as gateway:
        await gateway.ready(1)
        async with visited(gateway, 3) as (ann, bob, cid):
            async with ann.clicks(GENERATE, "task(a)", "a dog") as painting:
                await until(painting, "process_starts")
            await ann.gets(COUNT_TOKENS, "")  # a page that loads calls some
            async with (
                bob.clicks(GENERATE, "task(b)", "a cat"),
                cid.clicks(GENERATE, "task(c)", "a cow") as last_of_all,
            ):
                for _ in range(2):  # while it is at work, and when it is not
                    assert (await ann.gets(RESTORE, "task(a)"))["output"]["data"][0][0]["is_file"]
                assert (await gateway.snapshot())["line"]["waiting"] == 1
                assert (await last(last_of_all))["success"]
        await gateway.until(is_quiet)
        assert (await stats(gateway))["two_at_once"] == 0


async def test_a_click_on_interrupt_stops_ones_own_job_alone(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, one_pod(tmp_path, work=3600)) as gateway:
        await gateway.ready(1)
        async with (
            visited(gateway, 3) as (ann, bob, eve),
            ann.clicks(GENERATE, "task(a)", "a dog") as painting,
        ):
            await until(painting, "process_starts")
            async with bob.clicks(GENERATE, "task(b)", "a cat") as waiting:
                await until(waiting, "estimation")
                for stop in (INTERRUPT, SKIP, STOP_TRAINING):
                    assert "Nothing was stopped" in (await eve.gets(stop))["output"]["error"]
                assert (await bob.gets(INTERRUPT))["success"]
                assert (await last(waiting))["output"]["error"].startswith("Taken out of the line")
            assert (await gateway.snapshot())["in_flight"] == 1
            assert (await ann.gets(INTERRUPT))["success"]
            assert (await last(painting))["success"]
        await gateway.until(is_quiet)


async def test_nobody_reloads_the_page_of_all_the_others(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, one_pod(tmp_path, work=1)) as gateway:
        await gateway.ready(1)
        async with visited(gateway, 2) as (ann, eve), ann.clicks(GENERATE, "task(a)", "a dog") as painting:
            await until(painting, "process_starts")
            for data in ((), ("task(e)",)):
                assert (await eve.gets(RELOAD_UI, *data))["output"]["error"].startswith("Not allowed")
            assert (await ann.gets(RELOAD_UI))["output"]["error"].startswith("Not allowed")
            assert (await last(painting))["success"]
        counted = await stats(gateway)
        assert (counted["served"], counted["stopped"], counted["reloads"]) == (1, 0, 0)


async def test_what_uses_the_gpu_without_a_task_waits_for_it(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, one_pod(tmp_path, work=0.5)) as gateway:
        await gateway.ready(1)
        async with visited(gateway, 2) as (ann, bob), ann.clicks(GENERATE, "task(a)", "a dog") as painting:
            await until(painting, "process_starts")
            async with bob.clicks(INTERROGATE, "data:image/png;base64,QQ==") as interrogating:
                assert (await until(interrogating, "estimation"))["rank"] == 0
                assert (await last(interrogating))["success"]
            assert (await bob.gets(CHECKPOINT, "a.safetensors [aaaaaaaaaa]"))["success"]
            async with ann.clicks(GENERATE, "task(a)", "a dog") as painting:
                await until(painting, "process_starts")
                for number in (GENERATE, ENTER):
                    async with bob.clicks(number, "", "a cat") as without_task:
                        assert (await until(without_task, "estimation"))["rank"] == 0
        await gateway.until(lambda view: view["backends"][0]["model"] == "a")
        counted = await stats(gateway)
        assert (counted["served"], counted["two_at_once"]) == (4, 0)


async def test_what_a_page_loads_besides_waits_for_nobody_and_the_servers_settings_are_closed(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, one_pod(tmp_path, work=3600)) as gateway:
        await gateway.ready(1)
        async with (
            visited(gateway, 1) as (ann,),
            ann.clicks(GENERATE, "task(a)", "a dog") as painting,
            httpx.AsyncClient(base_url=gateway.url, headers={"host": "sd.example"}, trust_env=False) as client,
        ):
            await until(painting, "process_starts")
            for path in ("/controlnet/model_list", "/robots.txt", "/file=html/style.css"):
                assert (await client.get(path)).status_code == 200
            for name in ("=config.json", "/config.json", "=/srv/config.json", "=outputs%2F..%2Fconfig.json"):
                refused = await client.get(f"/file{name}")
                assert (refused.status_code, refused.json()["errors"]) == (403, refused.json()["detail"])
            assert (await ann.gets(INTERRUPT))["success"]


async def test_the_page_is_told_that_its_pod_has_died(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, one_pod(tmp_path, work=3600)) as gateway:
        view = await gateway.ready(1)
        async with visited(gateway, 1) as (ann,), ann.clicks(GENERATE, "task(a)", "a dog") as painting:
            await until(painting, "process_starts")
            os.kill(gateway.pid_of(view["backends"][0]["address"]), signal.SIGKILL)
            ended = await last(painting)
        assert (ended["success"], ended["output"]["error"].partition(".")[0]) == (False, "The backend broke off")
        await gateway.until(is_quiet)
