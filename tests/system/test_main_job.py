"""The job the gateway is for: from no pod at all to fifty pictures, five at a time, and back to no pod."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from tests.system.callers import TXT2IMG
from tests.system.running_gateway import RunningGateway, configuration, running_gateway, stand_ins
from tests.system.shell import run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

_BODY = '{"prompt": "pretty dog"}'

#: Debian's load generator, with the words of the published test; and ours, which has its options.
_LOADS = {
    "hey": ("hey", "-n", "50", "-c", "5", "-t", "180", "-m", "POST", "-H", "Content-Type: application/json"),
    "gateway load": (sys.executable, "-m", "gateway", "load", "-n", "50", "-c", "5", "-t", "180", "-m", "POST"),
}


class Pods:
    """What the stand-ins themselves say, asked while the load runs: afterwards they are gone."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.most_ready = 0
        self.stats: dict[str, dict[str, Any]] = {}  # by identity
        self._gateway = gateway

    async def watch(self, client: httpx.AsyncClient) -> None:
        """Until cancelled."""
        while True:
            await self.look(client)
            await anyio.sleep(0.1)

    async def look(self, client: httpx.AsyncClient) -> None:
        """Ask all that are ready."""
        view = await self._gateway.snapshot()
        ready = [backend for backend in view["backends"] if backend["state"] == "ready"]
        self.most_ready = max(self.most_ready, len(ready))
        for backend in ready:
            answer = await client.get(f"http://{backend['address']}/stand-in/stats")
            self.stats[backend["identity"]] = answer.json()

    def total(self, figure: str) -> int:
        """Over all pods that there have been."""
        return sum(stats[figure] for stats in self.stats.values())


@pytest.mark.parametrize("load", _LOADS)
async def test_fifty_requests_from_zero_and_back_to_zero(load: str, tmp_path: Path) -> None:
    pool = {
        "profile": "a1111",
        "backends": stand_ins(tmp_path, max=10),
        "autoscaling": {"max_scale": 10, "window": 6},  # the shortest there is
    }
    async with running_gateway(tmp_path, configuration(pool)) as gateway, httpx.AsyncClient(trust_env=False) as client:
        assert (await gateway.snapshot())["backends"] == []
        pods = Pods(gateway)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(pods.watch, client)
            said = await run(*_LOADS[load], "-d", _BODY, gateway.url + TXT2IMG)
            tasks.cancel_scope.cancel()
        await pods.look(client)
        assert re.findall(r"\[(\d+)\]\s+(\d+) responses", said) == [("200", "50")], said
        assert pods.most_ready == 5
        await gateway.event("process_started", 5)
        assert len(gateway.events("process_started")) == 5
        assert (pods.total("served"), pods.total("two_at_once")) == (50, 0)

        view = await gateway.until(lambda view: not view["backends"], within=20)
        assert (view["slots"], view["demand"], view["line"]["bytes_held"]) == (0, 0, 0)
        await gateway.event("process_stopped", 5)
        assert len(gateway.events("process_stopped")) == 5
        assert await gateway.total("gateway_requests_total", outcome="served", code="--") == 50
        assert {line["status"] for line in await gateway.access(50)} == {200}


async def test_a_picture_is_a_picture(tmp_path: Path) -> None:
    pool = {"profile": "a1111", "backends": stand_ins(tmp_path, boot=0.1, work=0.05)}
    async with running_gateway(tmp_path, configuration(pool)) as gateway, httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(gateway.url + TXT2IMG, content=_BODY, timeout=30)
        assert answer.status_code == 200
        assert json.loads(answer.json()["info"])["prompt"] == "pretty dog"
        assert answer.json()["images"][0].startswith("iVBORw0KGgo")  # a PNG, in base64
