"""The gateway itself is killed, and leaves nothing behind: neither two jobs in one pod nor a process."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.doubles.eventually import eventually
from tests.doubles.fault_pod import fault_pods
from tests.system.callers import callers, job, outcomes
from tests.system.promises import NOTHING, broken
from tests.system.running_gateway import configuration, processes, running_gateway

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


async def test_pods_still_at_work_are_not_given_another_job(tmp_path: Path) -> None:
    async with fault_pods(3, work=60) as pods:
        config = configuration({"profile": "a1111", "backends": {"static": [pod.url for pod in pods]}})
        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 5) as clients:
            await gateway.ready(3)
            for number, client in enumerate(clients):
                await client.send(job(f"before-{number}"))
            await eventually(lambda: all(pod.is_working for pod in pods))
            gateway.signal(signal.SIGKILL)
            assert await gateway.ended() == -signal.SIGKILL
            assert await outcomes(clients) == [0] * 5

        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 6) as clients:
            for number, client in enumerate(clients):
                await client.send(job(f"after-{number}"))
            await gateway.until(lambda view: view["line"]["waiting"] == 6 and _found_ready(view) == 3)
            asked = [pod.connections for pod in pods]
            await eventually(
                lambda: all(pod.connections >= before + 3 for pod, before in zip(pods, asked, strict=True))
            )
            assert all(pod.is_working and len(pod.jobs) == 1 for pod in pods)
            for pod in pods:
                pod.work = 0.02
                pod.finish()
            assert await outcomes(clients) == [200] * 6
            assert await broken(gateway, pods, sent=6) == NOTHING
            assert await gateway.total("gateway_quarantine_expired_total") == 0


def _found_ready(view: dict[str, Any]) -> int:
    return [backend["state"] for backend in view["backends"]].count("ready")


async def test_no_process_outlives_it(tmp_path: Path) -> None:
    stand_in = "sleep 600 & exec {python} -m gateway.demo.a1111 --port {port} --boot 0.1"
    config = configuration(
        {
            "profile": "a1111",
            "backends": processes(tmp_path, "sh", "-c", stand_in),
            "autoscaling": {"min_scale": 2, "max_scale": 2},
        }
    )
    async with running_gateway(tmp_path, config) as gateway:
        await gateway.ready(2)
        # The gateway; and for each pod its guardian, itself, and its child.
        await eventually(lambda: len(gateway.family()) == 7, told=lambda: str(gateway.family()))
        gateway.signal(signal.SIGKILL)
        with anyio.fail_after(5):
            await eventually(lambda: not gateway.family(), told=lambda: str(gateway.family()))
