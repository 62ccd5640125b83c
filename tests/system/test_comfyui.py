"""ComfyUI's jobs end long after their requests: stand-ins that are one at a time only if the gateway sees to it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.demo.comfyui.test_jobs import GRAPH
from tests.doubles.eventually import eventually
from tests.system.promises import is_quiet
from tests.system.running_gateway import configuration, processes, running_gateway

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.running_gateway import RunningGateway

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


class Page:
    """ComfyUI's own, as a program: it opens its websocket anew 0.3 s after it was closed."""

    def __init__(self, gateway: RunningGateway, name: str) -> None:
        self.heard: list[str] = []  # of its prompt
        self.sockets = 0
        self.painted_on = ""
        self._gateway = gateway
        self._name = name
        self._client = httpx.AsyncClient(
            base_url=gateway.url, headers={"host": "sd.example"}, trust_env=False, timeout=30
        )

    async def load(self) -> str:
        """Returns its home."""
        for _ in range(2):  # a session is one that comes back
            answer = await self._client.get("/")
        return answer.headers["x-backend"]

    async def listen(self) -> None:
        """Until cancelled."""
        (host, port), cookie = self._gateway.traffic, {"Cookie": f"sd={self._client.cookies['sd']}"}
        url = f"ws://sd.example/ws?clientId={self._name}"
        while True:
            async with connect(url, host=host, port=port, additional_headers=cookie, proxy=None) as socket:
                self.sockets += 1
                with contextlib.suppress(ConnectionClosed):
                    async for message in socket:
                        self.heard += {json.loads(message)["type"]} - {"status"}
            await anyio.sleep(0.3)

    async def paint(self) -> None:
        """One prompt, until the page has heard of its end."""
        answer = await self._client.post("/prompt", json={"prompt": GRAPH, "client_id": self._name})
        self.painted_on = answer.raise_for_status().headers["x-backend"]
        await eventually(lambda: self.heard[-2:] == ["execution_success", "executing"])

    async def close(self) -> None:
        await self._client.aclose()


async def pages_of_one_home(gateway: RunningGateway, count: int) -> list[Page]:
    """Newcomers spread: those with another home are closed again."""
    at_home: dict[str, list[Page]] = {}
    while max(map(len, at_home.values()), default=0) < count:
        page = Page(gateway, f"page-{sum(map(len, at_home.values()))}")
        at_home.setdefault(await page.load(), []).append(page)
    chosen = max(at_home.values(), key=len)
    for page in (page for pages in at_home.values() if pages is not chosen for page in pages):
        await page.close()
    return chosen


async def test_four_pages_of_one_home_spread_over_the_pods_and_each_hears_of_its_prompt(tmp_path: Path) -> None:
    """Seen with the real one: a line of three for 50 s on one pod, and the other idle."""
    told = comfyui(tmp_path, work=1, pods=2, affinity={"move_when_busy": 0.1}, expose_backend=True)
    async with running_gateway(tmp_path, told) as gateway, anyio.create_task_group() as tasks:
        await gateway.ready(2)
        pages = await pages_of_one_home(gateway, 4)
        for page in pages:
            tasks.start_soon(page.listen)
        await eventually(lambda: all(page.sockets for page in pages))
        async with anyio.create_task_group() as painting:
            for page in pages:
                painting.start_soon(page.paint)
        for page in pages:
            assert (page.heard[0], page.heard.count("progress")) == ("execution_start", 10)
        assert len({page.painted_on for page in pages}) == 2
        assert sum(page.sockets for page in pages) > 4
        tasks.cancel_scope.cancel()
        for page in pages:
            await page.close()
