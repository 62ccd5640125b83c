"""SIGTERM: whoever was heard gets an HTTP status, nothing of ours is left, and the exit code is 0."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.doubles.eventually import eventually
from tests.doubles.fault_pod import FaultPod, fault_pods
from tests.system.callers import callers, job, outcomes
from tests.system.promises import inversions, sent_twice
from tests.system.running_gateway import configuration, running_gateway, stand_ins

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.anyio


def fronting(pods: Sequence[FaultPod], **stop: float) -> dict[str, Any]:
    return configuration({"backends": {"static": [pod.url for pod in pods]}}, stop=stop)


def double_runs(pods: Sequence[FaultPod]) -> int:
    return sum(pod.double_runs for pod in pods)


async def test_with_time_everybody_is_served(tmp_path: Path) -> None:
    async with (
        fault_pods(2, work=60) as pods,
        running_gateway(tmp_path, fronting(pods, grace=30)) as gateway,
        callers(gateway, 202) as clients,
    ):
        await gateway.ready(2)
        for number, client in enumerate(clients):
            await client.send(job(number))
        await gateway.until(lambda view: view["line"]["waiting"] == 200)
        gateway.signal(signal.SIGTERM)
        await gateway.event("stopping")
        for pod in pods:
            pod.work = 0.003
            pod.finish()
        assert await outcomes(clients) == [200] * 202
        assert await gateway.ended() == 0
        assert gateway.events("stopped")[0]["in_good_order"]
        jobs = [job.key for pod in pods for job in pod.jobs]
        assert (double_runs(pods), sent_twice(jobs), sum(inversions(pod.jobs) for pod in pods)) == (0, 0, 0)


async def test_without_time_everybody_is_told(tmp_path: Path) -> None:
    async with (
        fault_pods(3, work=60) as pods,
        running_gateway(tmp_path, fronting(pods, grace=0.5)) as gateway,
        callers(gateway, 204) as (begun, *clients),
    ):
        await gateway.ready(3)
        await begun.send(job("begun", behave="begun"))
        promised = int((await begun.head()).fields["content-length"])
        uploading = clients.pop()
        await uploading.send(job("uploading", body=b"x" * 1000)[:-1])
        for number, client in enumerate(clients):
            await client.send(job(number))
        await gateway.until(lambda view: view["line"]["waiting"] == 200 and view["line"]["uploading"] == 1)
        gateway.signal(signal.SIGTERM)
        told = [await client.answer() for client in (*clients, uploading)]
        assert Counter(answer.status for answer in told) == {503: 201, 504: 2}
        assert all(("retry-after" in answer.fields) is (answer.status == 503) for answer in told)
        assert {answer.fields["connection"] for answer in told} == {"close"}
        assert len(await begun.rest()) < promised
        assert await gateway.ended() == 0
        assert gateway.events("stopped")[0]["in_good_order"]
        assert Counter(line["code"] for line in await gateway.access(204)) == {"PQ": 201, "KH": 2, "KD": 1}


async def test_the_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    async with (
        fault_pods(1, work=60) as pods,
        running_gateway(tmp_path, fronting(pods, grace=600)) as gateway,
        callers(gateway, 2) as clients,
    ):
        await gateway.ready(1)
        for number, client in enumerate(clients):
            await client.send(job(number))
        await gateway.until(lambda view: view["line"]["waiting"] == 1)
        gateway.signal(signal.SIGTERM)
        await gateway.event("stopping")
        gateway.signal(signal.SIGTERM)
        assert await gateway.ended(within=5) == 0
        assert await outcomes(clients) == [0, 0]
        assert not gateway.events("stopped")[0]["in_good_order"]


@pytest.mark.parametrize("signals", [1, 2])
async def test_processes_are_gone_when_it_is(signals: int, tmp_path: Path) -> None:
    pool = {
        "profile": "a1111",
        "backends": stand_ins(tmp_path, boot=0.1),
        "autoscaling": {"min_scale": 2, "max_scale": 2},
    }
    async with running_gateway(tmp_path, configuration(pool)) as gateway:
        await gateway.ready(2)
        for _ in range(signals):
            gateway.signal(signal.SIGTERM)
            await gateway.event("stopping")
        assert await gateway.ended() == 0
        if signals == 1:
            assert gateway.family() == {}
            assert len(gateway.events("process_stopped")) == 2
        await eventually(lambda: not gateway.family(), within=5, told=lambda: str(gateway.family()))


async def test_pods_still_come_up_for_those_who_wait(tmp_path: Path) -> None:
    """Scaling goes on while it stops: from zero, SIGTERM while the pod boots."""
    pool = {"profile": "a1111", "backends": stand_ins(tmp_path, boot=1, work=0.05, max=1)}
    async with (
        running_gateway(tmp_path, configuration(pool, stop={"grace": 30})) as gateway,
        callers(gateway, 2) as clients,
    ):
        for number, client in enumerate(clients):
            await client.send(job(number))
        await gateway.event("process_started")
        gateway.signal(signal.SIGTERM)
        assert await outcomes(clients) == [200, 200]
        assert await gateway.ended() == 0


async def test_readiness_fails_first_and_the_operators_port_closes_last(tmp_path: Path) -> None:
    """During `delay` everything is as before but for readiness and `Connection: close`; afterwards nobody comes in."""
    async with (
        fault_pods(1, work=60) as (pod,),
        running_gateway(tmp_path, fronting([pod], delay=1, grace=30)) as gateway,
        callers(gateway, 3) as (waiting, late, idle),
    ):
        await gateway.ready(1)
        assert (await gateway.ask("/readyz")).status_code == 200
        await waiting.send(job("waiting"))
        await gateway.until(lambda view: view["in_flight"] == 1)
        gateway.signal(signal.SIGTERM)
        await gateway.event("stopping")
        ready = await gateway.ask("/readyz")
        assert (ready.status_code, ready.text) == (503, "stopping\n")
        assert (await gateway.ask("/healthz")).status_code == 200
        await late.send(b"GET /.gateway/healthz HTTP/1.1\r\nHost: sd.example\r\n\r\n")
        told = await late.answer()
        assert (told.status, told.fields["connection"]) == (503, "close")  # load balancers look here alone

        assert await idle.rest() == b""  # a FIN, when the listener has closed
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection(*gateway.traffic)
        assert (await gateway.ask("/readyz")).status_code == 503
        pod.finish()
        assert (await waiting.answer()).status == 200
        assert await gateway.ended() == 0
        with pytest.raises(httpx.ConnectError):
            await gateway.ask("/healthz")
