"""Every route of the stand-in, over ASGI: work one at a time, control while it works."""

from __future__ import annotations

import base64
import json
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest

from gateway.demo.a1111.api import A1111Api
from gateway.demo.a1111.checkpoints import TITLES
from gateway.demo.gpu import Gpu
from tests.doubles.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio

_SMALL = {"prompt": "pretty dog", "seed": 7, "width": 8, "height": 8}


def client_of(work: float) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=A1111Api(Gpu(), work).application())
    return httpx.AsyncClient(transport=transport, base_url="http://pod")


@asynccontextmanager
async def at_work(path: str = "/sdapi/v1/txt2img") -> AsyncIterator[tuple[httpx.AsyncClient, list[httpx.Response]]]:
    """A server that works on one request until it is interrupted, and the list its answer will be put into."""
    answers: list[httpx.Response] = []
    async with client_of(work=3600) as client, anyio.create_task_group() as group:

        async def send() -> None:
            answers.append(await client.post(path, json=_SMALL | {"force_task_id": "task(a)"}))

        group.start_soon(send)
        await anyio.wait_all_tasks_blocked()
        yield client, answers
        await client.post("/sdapi/v1/interrupt")


async def test_txt2img_answers_a_picture() -> None:
    async with client_of(work=0) as client:
        asked = json.dumps(_SMALL | {"prompt": "h\u00fcbsch \ud800"})
        answer = await client.post("/sdapi/v1/txt2img", content=asked)
        body = answer.json()
        assert answer.status_code == 200
        assert base64.b64decode(body["images"][0]).startswith(b"\x89PNG")
        assert body["parameters"]["prompt"] == "h\u00fcbsch \ud800"
        assert json.loads(body["info"])["seed"] == 7


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("img2img", {"init_images": ["QQ=="]}, "images"),
        ("extra-single-image", {"image": "QQ=="}, "image"),
        ("extra-batch-images", {"imageList": [{}, {}]}, "images"),
        ("interrogate", {"image": "QQ==", "model": "clip"}, "caption"),
    ],
)
async def test_other_work_answers_in_its_own_shape(path: str, body: dict[str, object], key: str) -> None:
    async with client_of(work=0) as client:
        answer = await client.post(f"/sdapi/v1/{path}", json=_SMALL | body)
        assert answer.json()[key]
        assert (await client.get("/stand-in/stats")).json()["served"] == 1


async def test_two_at_once_are_detected() -> None:
    async with at_work() as (client, _):
        answer = await client.post("/sdapi/v1/img2img", json=_SMALL | {"init_images": ["QQ=="]})
        assert answer.status_code == 500
        assert answer.json()["error"] == "TwoAtOnce"
        stats = (await client.get("/stand-in/stats")).json()
        assert (stats["served"], stats["two_at_once"], stats["running"]) == (0, 1, True)


async def test_progress_shows_the_job_and_interrupt_ends_it() -> None:
    async with at_work() as (client, answers):
        progress = (await client.get("/sdapi/v1/progress", params={"skip_current_image": True})).json()
        assert (progress["state"]["job"], progress["state"]["job_count"]) == ("task(a)", 1)
        assert progress["current_image"] is None
        assert (await client.get("/sdapi/v1/progress")).json()["current_image"]
        assert (await client.post("/internal/progress", json={"id_task": "task(a)"})).json()["active"]
    assert answers[0].status_code == 200


async def test_skip_ends_the_job_and_answers_null() -> None:
    async with at_work() as (client, answers):
        assert (await client.post("/sdapi/v1/skip")).content == b"null"
        await eventually(lambda: answers)
    assert answers[0].status_code == 200


async def test_an_interrupt_between_jobs_is_lost() -> None:
    async with client_of(work=0) as client:
        assert (await client.post("/sdapi/v1/interrupt")).content == b"{}"
        assert (await client.get("/sdapi/v1/progress")).json()["state"]["job_count"] == 0
        assert (await client.post("/sdapi/v1/txt2img", json=_SMALL)).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/sdapi/v1/options", "/sdapi/v1/cmd-flags", "/sdapi/v1/memory", "/sdapi/v1/sd-models", "/sdapi/v1/samplers"),
        *("/internal/ping", "/internal/pending-tasks"),
    ],
)
async def test_light_routes_answer_while_it_works(path: str) -> None:
    async with at_work() as (client, _):
        assert (await client.get(path)).status_code == 200


async def test_the_page_says_that_it_is_a_stand_in() -> None:
    async with client_of(work=0) as client:
        assert "stand-in" in (await client.get("/")).text


@pytest.mark.parametrize("name", ["=config.json", "/config.json", "=./config.json", "=outputs%2F..%2Fconfig.json"])
async def test_its_settings_are_a_file_like_any_other(name: str) -> None:
    async with client_of(work=0) as client:
        assert (await client.get(f"/file{name}")).json()["sd_model_checkpoint"] == TITLES[0]
        assert (await client.get("/file=html/style.css")).headers["content-type"].startswith("text/css")
        assert (await client.get("/file=outputs/a.png")).json() == {"detail": "File not found: a.png."}


async def test_errors_have_the_real_shapes() -> None:
    async with client_of(work=0) as client:
        bad_json = await client.post("/sdapi/v1/txt2img", content=b"{", headers={"Content-Type": "application/json"})
        assert bad_json.status_code == 422
        assert bad_json.json()["detail"][0]["type"] == "value_error.jsondecode"
        not_text = await client.post("/sdapi/v1/txt2img", content=b'"\xff"')
        assert (not_text.status_code, not_text.json()["error"]) == (400, "HTTPException")
        no_image = await client.post("/sdapi/v1/img2img", json=_SMALL)
        assert (no_image.status_code, no_image.json()["detail"]) == (404, "Init image not found")
        unknown = await client.get("/sdapi/v1/nothing")
        assert (unknown.status_code, unknown.content) == (404, b'{"detail":"Not Found"}')
        wrong_method = await client.get("/sdapi/v1/txt2img")
        assert (wrong_method.status_code, wrong_method.headers["allow"]) == (405, "POST")


async def painted_with(client: httpx.AsyncClient, **override: str) -> str:
    answer = await client.post("/sdapi/v1/txt2img", json=_SMALL | {"override_settings": override})
    name: str = json.loads(answer.json()["info"])["sd_model_name"]
    return name


async def test_a_picture_is_painted_with_the_option_or_with_what_overrides_it() -> None:
    async with client_of(work=0) as client:
        assert await painted_with(client) == "stand-in"
        assert (await client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "a"})).content == b"null"
        assert [await painted_with(client), await painted_with(client, sd_model_checkpoint="b")] == ["a", "b"]
        assert (await client.get("/sdapi/v1/options")).json()["sd_model_checkpoint"] == TITLES[1]
        assert await painted_with(client, sd_model_checkpoint="nowhere") == "a"


async def test_a_model_is_loaded_only_if_another_one_is_there() -> None:
    async with client_of(work=0) as client:
        for model in ("a", TITLES[1], "b.safetensors"):
            await client.post("/sdapi/v1/options", json={"sd_model_checkpoint": model, "samples_format": "png"})
        await client.post("/sdapi/v1/options", json={"samples_format": "png"})
        unknown = await client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "nowhere"})
        assert (unknown.status_code, unknown.json()["detail"]) == (500, "model 'nowhere' not found")
        assert (await client.get("/stand-in/stats")).json()["served"] == 2


async def test_where_it_queues_forty_that_wait_take_every_thread_and_nothing_else_answers() -> None:
    gpu = Gpu(queues=True)
    transport = httpx.ASGITransport(app=A1111Api(gpu, 3600).application())
    new_client = partial(httpx.AsyncClient, transport=transport, base_url="http://pod")
    async with new_client() as client, anyio.create_task_group() as group:
        for number in range(39):
            named = _SMALL | {"force_task_id": f"task({number})"}
            group.start_soon(partial(client.post, "/sdapi/v1/txt2img", json=named))
        await anyio.wait_all_tasks_blocked()
        waiting = (await client.post("/internal/progress", json={"id_task": "task(2)"})).json()
        assert (waiting["queued"], waiting["active"], waiting["textinfo"]) == (True, False, "In queue: 2/38")
        group.start_soon(partial(client.post, "/sdapi/v1/txt2img", json=_SMALL))
        await anyio.wait_all_tasks_blocked()
        stuck: list[httpx.Response] = []

        async def ask() -> None:
            stuck.append(await client.get("/sdapi/v1/progress"))

        group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        assert not stuck
        assert (await client.get("/")).status_code == 200  # the page is not of the API
        assert gpu.job is not None
        gpu.job.interrupt()
        await eventually(lambda: stuck)
        group.cancel_scope.cancel()
