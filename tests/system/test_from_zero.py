"""Holding no pod at all: who wakes one, who does not, and what becomes of those who do not want to wait."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.doubles.eventually import eventually
from tests.system.callers import ask, callers, job, outcomes
from tests.system.promises import is_quiet
from tests.system.running_gateway import configuration, running_gateway, stand_ins

if TYPE_CHECKING:
    from tests.system.running_gateway import RunningGateway

pytestmark = pytest.mark.anyio


def from_zero(directory: Path, *, boot: float = 0.3, **options: Any) -> dict[str, Any]:
    return configuration({"profile": "a1111", "backends": stand_ins(directory, boot=boot, work=0.05, **options)})


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: sd.example", *headers, "", "")).encode()


async def test_a_page_wakes_a_pod_and_its_polling_does_not(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, from_zero(tmp_path)) as gateway:
        polled = await ask(gateway, get("/sdapi/v1/progress"))
        assert (polled.status, polled.json()["reason"], polled.fields["retry-after"]) == (503, "no_backend", "10")
        assert (await ask(gateway, get("/.gateway/healthz"))).status == 200
        assert (await gateway.ask("/readyz")).status_code == 200  # to hold no pod is to be ready
        view = await gateway.snapshot()
        assert (view["demand"], gateway.events("process_started")) == (0, [])

        page = await ask(gateway, get("/"))
        assert (page.status, "set-cookie" in page.fields) == (200, True)
        assert (await ask(gateway, get("/sdapi/v1/progress"))).status == 200
        await gateway.event("process_started", 1)
        assert len(gateway.events("process_started")) == 1


async def test_a_person_gets_a_page_at_once_and_a_program_is_held(tmp_path: Path) -> None:
    """Nobody is in line for the page, and yet the pod comes; the page's next load is the pod's."""
    browser = ("Accept: text/html,*/*;q=0.8", "Sec-Fetch-Mode: navigate")
    config = from_zero(tmp_path, boot=1.5, max=1)
    async with running_gateway(tmp_path, config) as gateway, callers(gateway, 1) as (curl,):
        page = await ask(gateway, get("/", *browser))
        assert (page.status, page.fields["cache-control"], page.fields["retry-after"]) == (503, "no-store", "10")
        assert b"Starting" in page.body
        view = await gateway.until(lambda view: view["backends"])
        assert (view["demand"], view["watched"], view["line"]["waiting_exempt"]) == (1, True, 0)
        polled = await ask(gateway, get("/", "X-Waiting-Page: poll"))
        assert (polled.fields["x-waiting-page"], polled.json()["state"]) == ("waiting", "One backend is starting.")

        await curl.send(get("/", "Accept: */*"))
        assert (await curl.answer()).status == 200  # held until the pod is ready
        polled = await ask(gateway, get("/", "X-Waiting-Page: poll"))
        assert (polled.status, polled.fields["x-waiting-page"]) == (200, "ready")
        page = await ask(gateway, get("/", *browser))
        assert (page.status, "set-cookie" in page.fields) == (200, True)
        view = await gateway.until(is_quiet)
        assert (len(gateway.events("process_started")), view["demand"], view["cold_start_median"] > 1) == (1, 0, True)
        lines = await gateway.access(5)
        assert [line["code"] for line in lines] == ["LW", "LQ", "--", "LQ", "--"]
        assert lines[2]["receipt"] == (
            "exempt by GET /*; pod-1 is its new home; came as number 1 in line; pod-1 starting; pod-1 became ready"
        )


async def test_a_client_may_say_how_long_it_would_wait(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, from_zero(tmp_path, boot=60)) as gateway:
        answer = await ask(gateway, job("hasty", "Prefer: wait=1"))
        assert (answer.status, answer.json()["reason"]) == (503, "client_limit")
        assert (await gateway.snapshot())["demand"] == 0


async def test_nothing_comes_up_in_time(tmp_path: Path) -> None:
    config = from_zero(tmp_path, boot=60)
    config["pools"]["sd"]["cold_start"] = {"timeout": 1}
    async with running_gateway(tmp_path, config) as gateway:
        answer = await ask(gateway, job("patient"))
        assert (answer.status, answer.json()["reason"]) == (503, "nothing_came_up")
        await gateway.event("process_start_failed")  # a start that takes longer than anybody waits has failed
        assert "not ready within 1 s" in (await gateway.event("process_start_failed"))["evidence"]


async def test_a_signal_in_mid_start(tmp_path: Path) -> None:
    config = from_zero(tmp_path, boot=60)
    config["stop"] = {"grace": 0.2}
    async with running_gateway(tmp_path, config) as gateway, callers(gateway, 3) as clients:
        for number, client in enumerate(clients):
            await client.send(job(number))
        await gateway.until(lambda view: view["line"]["waiting"] == 3 and view["backends"])
        gateway.signal(signal.SIGTERM)
        assert await outcomes(clients) == [503] * 3
        assert await gateway.ended() == 0
        assert gateway.family() == {}


async def test_no_gpu_is_given_to_two(tmp_path: Path) -> None:
    """Two GPUs, five clients, and one pod that is killed: its GPU is used again, and no third pod comes up."""
    config = from_zero(tmp_path, gpus=["0", "3"])
    async with running_gateway(tmp_path, config) as gateway, callers(gateway, 5) as clients:
        for number, client in enumerate(clients):
            await client.send(job(number))
        assert await outcomes(clients) == [200] * 5
        view = await gateway.until(lambda view: is_quiet(view) and len(view["backends"]) == 2)
        assert view["autoscaler"]["bound"] == "gpus"
        pids = [gateway.pid_of(backend["address"]) for backend in view["backends"]]
        assert sorted(map(_gpu, pids)) == ["0", "3"]
        await gateway.event("process_started", 2)
        assert len(gateway.events("process_started")) == 2
        await _kill(gateway, pids[0])
        view = await gateway.ready(2)
        assert sorted(_gpu(gateway.pid_of(backend["address"])) for backend in view["backends"]) == ["0", "3"]


async def _kill(gateway: RunningGateway, pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    await gateway.event("process_died")
    await eventually(lambda: len(gateway.events("process_started")) == 3)


def _gpu(pid: int) -> str:
    variables = Path(f"/proc/{pid}/environ").read_text().split("\0")
    (gpu,) = [text.partition("=")[2] for text in variables if text.startswith("CUDA_VISIBLE_DEVICES=")]
    return gpu
