"""Two pods and two models: each is painted where it is loaded."""

from __future__ import annotations

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
