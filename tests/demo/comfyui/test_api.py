"""Every route of the stand-in, over ASGI."""

from __future__ import annotations

import json
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from gateway.demo.comfyui.api import ComfyApi
from gateway.profiles.comfyui import comfyui
from tests.demo.comfyui.test_jobs import GRAPH
from tests.doubles.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def client_of(work: float) -> AsyncIterator[tuple[httpx.AsyncClient, ComfyApi]]:
    api = ComfyApi(work)
    transport = httpx.ASGITransport(app=api.application())
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://pod") as client,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(api.worker.run)
        await anyio.wait_all_tasks_blocked()
        yield client, api
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_a_prompt_from_its_submission_to_its_picture(prefix: str) -> None:
    async with client_of(work=0) as (client, api):
        submitted = (await client.post(f"{prefix}/prompt", json={"prompt": GRAPH, "client_id": "c1"})).json()
        assert (submitted["number"], submitted["node_errors"]) == (1, {})
        name = submitted["prompt_id"]
        await eventually(lambda: name in api.worker.history)
        history = (await client.get(f"{prefix}/history/{name}")).json()
        [image] = history[name]["outputs"]["3"]["images"]
        picture = await client.get(f"{prefix}/view", params=image)
        assert (picture.status_code, picture.content[:4]) == (200, b"\x89PNG")
        assert (await client.get(f"/api/jobs/{name}")).json()["status"] == "completed"
        assert (await client.get("/stand-in/stats")).json()["served"] == 1


async def test_while_one_runs_the_others_wait_and_the_rest_answers() -> None:
    idle = comfyui().idle
    assert idle is not None
    async with client_of(work=3600) as (client, _):
        assert idle.says_idle(200, (await client.get("/queue")).content)
        for name in ("p1", "p2", "p3"):
            await client.post("/prompt", json={"prompt": GRAPH, "prompt_id": name, "front": name == "p3"})
            await anyio.wait_all_tasks_blocked()
        assert not idle.says_idle(200, (await client.get("/queue")).content)
        queue = (await client.get("/queue")).json()
        assert [row[1] for row in queue["queue_running"]] == ["p1"]
        assert [row[1] for row in queue["queue_pending"]] == ["p3", "p2"]
        assert (await client.get("/prompt")).json() == {"exec_info": {"queue_remaining": 3}}
        states = [(await client.get(f"/api/jobs/{name}")).json() for name in ("p1", "p2")]
        assert [state["status"] for state in states] == ["in_progress", "pending"]
        assert (await client.get("/history/p1")).json() == {}
        await client.post("/queue", json={"delete": ["p2"]})
        await client.post("/interrupt", json={"prompt_id": "p3"})  # it waits: nothing happens
        assert (await client.get("/prompt")).json() == {"exec_info": {"queue_remaining": 2}}
        await client.post("/queue", json={"clear": True})
        await client.post("/interrupt")
        await eventually_idle(client)
        assert (await client.get("/api/jobs/p1")).json()["status"] == "cancelled"
        assert (await client.get("/api/jobs/p2")).status_code == 404


async def test_a_prompt_is_cancelled_wherever_it_is_and_one_that_is_over_is_left_alone() -> None:
    """Read in server.py of 0.38.1."""
    running, pending, unknown = (str(uuid.uuid4()) for _ in range(3))
    async with client_of(work=3600) as (client, _):
        for name in (running, pending):
            await client.post("/prompt", json={"prompt": GRAPH, "prompt_id": name})
            await anyio.wait_all_tasks_blocked()
        told = [(await client.post(f"/api/jobs/{name}/cancel")).json() for name in (pending, unknown, pending)]
        assert told == [{"cancelled": True}, {"cancelled": False}, {"cancelled": False}]
        wrong: list[Any] = [{}, [], {"job_ids": running}, {"job_ids": [running, "x"]}, {"job_ids": [5]}]
        for body in wrong:
            assert (await client.post("/api/jobs/cancel", json=body)).status_code == 400
        assert (await client.post("/api/jobs/cancel", json={"job_ids": [unknown]})).json() == {"cancelled": False}
        listed = await client.post("/api/jobs/cancel", json={"job_ids": [unknown, running]})
        assert listed.json() == {"cancelled": True}
        await eventually_idle(client)
        assert (await client.post("/jobs/cancel", json={"job_ids": [running]})).status_code == 404


async def eventually_idle(client: httpx.AsyncClient) -> None:
    with anyio.fail_after(10):
        while (await client.get("/prompt")).json()["exec_info"]["queue_remaining"]:
            await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({}, "no_prompt"),
        ([], "no_prompt"),
        ({"prompt": {"1": 5}}, "invalid_prompt"),
        ({"prompt": {"1": {"class_type": "KSampler"}}}, "prompt_no_outputs"),
    ],
)
async def test_what_is_no_graph_is_refused(body: Any, kind: str) -> None:
    async with client_of(work=0) as (client, _):
        answer = await client.post("/prompt", content=json.dumps(body))
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, kind)
        assert (await client.post("/prompt", content=b"{")).status_code == 400


async def test_what_was_uploaded_can_be_seen_on_this_server() -> None:
    async with client_of(work=0) as (client, _):
        files = {"image": ("dog.png", b"\x89PNG\r\n\x00", "image/png")}
        assert (await client.post("/upload/image", files=files)).json()["name"] == "dog.png"
        assert (await client.get("/view", params={"filename": "dog.png"})).content == b"\x89PNG\r\n\x00"
        assert (await client.post("/upload/image", content=b"x")).status_code == 400
        assert (await client.get("/view", params={"filename": "cat.png"})).status_code == 404


async def test_it_says_what_it_is_and_what_it_has() -> None:
    async with client_of(work=0) as (client, _):
        stats = await client.get("/system_stats")
        assert comfyui().readiness.accepts(stats.status_code, stats.content)
        assert "stand-in" in (await client.get("/")).text
        assert (await client.get("/object_info/KSampler")).json().keys() == {"KSampler"}
        assert "SaveImage" in (await client.get("/api/object_info")).json()
        assert (await client.post("/free", json={"unload_models": True})).status_code == 200
        numbered = await client.post("/prompt", json={"prompt": GRAPH, "number": 7.5, "extra_data": {"a": 1}})
        assert numbered.json()["number"] == 7.5
