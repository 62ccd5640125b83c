"""Two pods and two models: each is painted where it is loaded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from tests.system.promises import is_quiet
from tests.system.running_gateway import configuration, processes, running_gateway

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.running_gateway import RunningGateway

pytestmark = pytest.mark.anyio


def loaded(view: dict[str, Any]) -> list[str]:
    return sorted(str(backend["model"]) for backend in view["backends"])


async def test_requests_go_to_the_pod_that_has_their_model(tmp_path: Path) -> None:
    command = ("{python}", "-m", "gateway.demo.a1111", "--port", "{port}", "--boot", "0", "--work", "0.3")
    pool = {
        "profile": "a1111",
        "backends": processes(tmp_path, *command),
        "autoscaling": {"min_scale": 2, "max_scale": 2},
        "affinity": {"model_switch_cost": 30},
        "expose_backend": True,
    }
    async with running_gateway(tmp_path, configuration(pool)) as gateway:
        await gateway.ready(2)
        await gateway.until(lambda view: loaded(view) == ["stand-in", "stand-in"])  # they were asked
        homes = {model: await painted_on(gateway, model) for model in ("a", "b.safetensors")}
        assert len(set(homes.values())) == 2
        assert loaded(await gateway.snapshot()) == ["a", "b"]
        for model in ("b.safetensors", "a", "a", "b.safetensors"):
            assert await painted_on(gateway, model) == homes[model]
        together = await painted_together_on(gateway, "a", "a")
        assert together == [homes["a"]] * 2  # one waited, though the other pod was free
        view = await gateway.until(is_quiet)
        assert view["counts"]["model_switches"] == 2


async def painted_on(gateway: RunningGateway, model: str) -> str:
    body = {"prompt": "dog", "override_settings": {"sd_model_checkpoint": model}}
    async with httpx.AsyncClient(base_url=gateway.url, headers={"host": "sd.example"}, trust_env=False) as client:
        answer = await client.post("/sdapi/v1/txt2img", json=body, timeout=30)
    backend: str = answer.raise_for_status().headers["x-backend"]
    return backend


async def painted_together_on(gateway: RunningGateway, *models: str) -> list[str]:
    """At the same time."""
    found: list[str] = []

    async def paint(model: str) -> None:
        found.append(await painted_on(gateway, model))

    async with anyio.create_task_group() as tasks:
        for model in models:
            tasks.start_soon(paint, model)
    return found


@pytest.mark.parametrize("pods", [1, 2])
@pytest.mark.parametrize("asks_first", [False, True])
async def test_who_sets_the_model_by_one_request_finds_it_by_the_next_without_a_cookie(
    tmp_path: Path, asks_first: bool, pods: int
) -> None:
    """As Open WebUI does it (it asks first): one client alone, and two at once."""
    command = ("{python}", "-m", "gateway.demo.a1111", "--port", "{port}", "--boot", "0", "--work", "0.1")
    pool = {
        "profile": "a1111",
        "backends": processes(tmp_path, *command),
        "autoscaling": {"min_scale": pods, "max_scale": pods},
    }
    async with running_gateway(tmp_path, configuration(pool, trusted_proxies=["127.0.0.0/8"])) as gateway:
        await gateway.ready(pods)
        painted = [await painted_after_choosing(gateway, model, "192.0.2.1", asks_first) for model in "aabbaabb"]
        assert painted == list("aabbaabb")
        together: list[tuple[list[str], list[str]]] = []

        async def paint(model: str, address: str) -> None:
            told = [await painted_after_choosing(gateway, model, address, asks_first) for _ in range(4)]
            together.append((told, [model] * 4))

        async with anyio.create_task_group() as group:
            group.start_soon(paint, "a", "192.0.2.1")
            group.start_soon(paint, "b", "192.0.2.2")
        assert all(told == wanted for told, wanted in together)


async def painted_after_choosing(gateway: RunningGateway, model: str, address: str, asks_first: bool) -> str:
    """By three programs that know nothing of one another but the model."""
    headers = {"host": "sd.example", "x-forwarded-for": address}

    def program() -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=gateway.url, headers=headers, trust_env=False, timeout=30)

    async with program() as client:
        options = (await client.get("/sdapi/v1/options")).json() if asks_first else {}
    if options.get("sd_model_checkpoint", "").partition(".")[0] != model:
        async with program() as client:
            chosen = await client.post("/sdapi/v1/options", json=options | {"sd_model_checkpoint": model})
            chosen.raise_for_status()
    async with program() as client:
        answer = await client.post("/sdapi/v1/txt2img", json={"prompt": "dog", "width": 8, "height": 8})
    name: str = json.loads(answer.raise_for_status().json()["info"])["sd_model_name"]
    return name
