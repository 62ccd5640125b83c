"""SIGKILL and SIGSTOP, in loops: of pods, which the gateway replaces, and of the gateway, which finds pods at work."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from tests.doubles.eventually import eventually
from tests.doubles.fault_pod import fault_pods
from tests.system.callers import callers, job, outcomes
from tests.system.promises import Broken, broken, is_quiet, sent_twice
from tests.system.running_gateway import RunningGateway, configuration, processes, running_gateway
from tests.system.test_backend_killed import told

if TYPE_CHECKING:
    import random
    from pathlib import Path

_JOBS = 60
_STRIKES = 8
_KILLS = 4
_WITHIN = 120.0


async def pods_are_killed(directory: Path, dice: random.Random) -> tuple[int, Broken]:
    """Three processes of its own: every now and then one dies or stands still, and another takes its place."""
    command = ("{python}", "-m", "tests.doubles.fault_pod", "--port", "{port}", "--work", "0.2")
    pool = {
        "profile": "a1111",
        "backends": processes(directory, *command),
        "autoscaling": {"min_scale": 3, "max_scale": 3},
        "timeouts": {"response_start": 2, "total": 4},
        "drain_timeout": 0.3,
        "quarantine": {"replace_after": 1},
    }
    async with (
        running_gateway(directory, configuration(pool), within=_WITHIN) as gateway,
        callers(gateway, _JOBS) as clients,
    ):
        await gateway.ready(3)
        for number, client in enumerate(clients):
            await client.send(job(number))
        strikes = asyncio.create_task(_strike(gateway, dice))
        found = await outcomes(clients)
        await strikes
        view = await gateway.until(is_quiet, within=_WITHIN)
        return _JOBS, Broken(
            double_runs=len(told(directory, "double run ")),
            sent_twice=sent_twice(told(directory, "job ")),
            missing=found.count(0) + _JOBS - round(await gateway.total("gateway_requests_total")),
            leaked=view["slots"] - view["free"],
        )


async def _strike(gateway: RunningGateway, dice: random.Random) -> None:
    for _ in range(_STRIKES):
        view = await gateway.until(lambda view: [b for b in view["backends"] if b["state"] == "ready"], within=_WITHIN)
        address = dice.choice([b["address"] for b in view["backends"] if b["state"] == "ready"])
        os.kill(gateway.pid_of(address), dice.choice([signal.SIGKILL, signal.SIGSTOP]))
        await asyncio.sleep(dice.uniform(0.2, 1.0))


async def the_gateway_is_killed(directory: Path, dice: random.Random) -> tuple[int, Broken]:
    """In the middle of everything, again and again: its pods work on, and the next one gives them nothing until they
    are done. What became of a killed gateway's requests only their clients know."""
    sent, found = 0, Broken()
    async with fault_pods(3, work=0.5) as pods:
        config = configuration({"profile": "a1111", "backends": {"static": [pod.url for pod in pods]}})
        for life in range(_KILLS + 1):
            is_last = life == _KILLS
            async with (
                running_gateway(directory, config, within=_WITHIN) as gateway,
                callers(gateway, 12) as clients,
            ):
                for number, client in enumerate(clients):
                    await client.send(job(f"{life}-{number}"))
                sent += len(clients)
                if is_last:
                    await outcomes(clients)
                    found = await broken(gateway, pods, sent=len(clients))
                else:
                    jobs = len([each for pod in pods for each in pod.jobs])
                    await eventually(lambda jobs=jobs: sum(len(pod.jobs) for pod in pods) > jobs)  # type: ignore[misc]
                    await asyncio.sleep(dice.uniform(0.0, 0.5))
                    gateway.signal(signal.SIGKILL)
                    await gateway.ended()
    return sent, found
