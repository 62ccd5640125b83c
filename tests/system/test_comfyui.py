"""ComfyUI's jobs end long after their requests: stand-ins that are one at a time only if the gateway sees to it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from tests.demo.comfyui.test_jobs import GRAPH
from tests.system.promises import is_quiet
from tests.system.running_gateway import configuration, processes, running_gateway

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


def comfyui(directory: Path, *, work: float, pods: int = 1, **told: Any) -> dict[str, Any]:
    command = ("{python}", "-m", "gateway.demo.comfyui", "--port", "{port}", "--boot", "0", "--work", str(work))
    scale = {"min_scale": pods, "max_scale": pods}
    backends = processes(directory, *command)
    return configuration({"profile": "comfyui", "backends": backends, "autoscaling": scale, **told})


async def test_a_second_prompt_waits_for_the_end_of_the_first_though_its_answer_came_at_once(tmp_path: Path) -> None:
    async with (
        running_gateway(tmp_path, comfyui(tmp_path, work=1)) as gateway,
        httpx.AsyncClient(base_url=gateway.url, headers={"host": "sd.example"}, trust_env=False, timeout=30) as client,
    ):
        await gateway.ready(1)
        answers: list[dict[str, Any]] = []
        at_the_pod: list[int] = []

        async def submit() -> None:
            answers.append((await client.post("/prompt", json={"prompt": GRAPH})).raise_for_status().json())
            at_the_pod.append((await client.get("/prompt")).json()["exec_info"]["queue_remaining"])

        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(submit)
        assert len({answer["prompt_id"] for answer in answers}) == 4
        assert max(at_the_pod) == 1
        view = await gateway.snapshot()
        assert (view["in_flight"], view["line"]["waiting"]) == (1, 0)
        await gateway.until(is_quiet)
        counted = (await client.get("/stand-in/stats")).json()
        assert (counted["served"], counted["two_at_once"]) == (4, 0)
        history = (await client.get("/history")).json()
        assert history.keys() == {answer["prompt_id"] for answer in answers}


async def test_a_pod_that_dies_at_work_takes_its_job_with_it_and_nobody_waits_for_it(tmp_path: Path) -> None:
    async with (
        running_gateway(tmp_path, comfyui(tmp_path, work=3600)) as gateway,
        httpx.AsyncClient(base_url=gateway.url, headers={"host": "sd.example"}, trust_env=False, timeout=30) as client,
    ):
        view = await gateway.ready(1)
        await client.post("/prompt", json={"prompt": GRAPH})
        os.kill(gateway.pid_of(view["backends"][0]["address"]), signal.SIGKILL)
        await gateway.event("job_lost")
        assert (await client.post("/prompt", json={"prompt": GRAPH})).status_code == 200
