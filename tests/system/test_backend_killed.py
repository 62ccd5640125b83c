"""A pod of ours is killed while it works. Its client learns it, nobody else does, and another pod takes its place."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.records.decisions import Ending
from tests.doubles.eventually import eventually
from tests.system.callers import callers, job, outcomes
from tests.system.promises import is_quiet, sent_twice
from tests.system.running_gateway import RunningGateway, configuration, processes, running_gateway

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


def two_pods(directory: Path) -> dict[str, Any]:
    """Two, always, that work a second on each job and write down what they are given."""
    command = ("{python}", "-m", "tests.doubles.fault_pod", "--port", "{port}", "--work", "1")
    return configuration(
        {
            "backends": processes(directory, *command),
            "autoscaling": {"min_scale": 2, "max_scale": 2},
        }
    )


def told(directory: Path, word: str) -> list[str]:
    """The word after `word`, of all lines of all pods that begin with it."""
    lines = [line for log in (directory / "pods").rglob("*.log") for line in log.read_text().splitlines()]
    return [line.removeprefix(word).split()[0] for line in lines if line.startswith(word)]


async def kill_server_of(gateway: RunningGateway, key: str) -> str:
    """Kill the pod that works on the job of that request id; its identity."""
    view = await gateway.snapshot()
    (backend,) = [b for b in view["backends"] if any(ticket["label"] == key for ticket in b["tickets"])]
    os.kill(gateway.pid_of(backend["address"]), signal.SIGKILL)
    return str(backend["identity"])


@pytest.mark.parametrize(
    ("behave", "ending"),
    [("well", Ending.BACKEND_BROKE_BEFORE_ANSWER), ("begun", Ending.BACKEND_BROKE_IN_ANSWER)],
)
async def test_only_the_client_of_a_killed_pod_notices(behave: str, ending: Ending, tmp_path: Path) -> None:
    async with (
        running_gateway(tmp_path, two_pods(tmp_path)) as gateway,
        callers(gateway, 6) as (victim, *others),
    ):
        await gateway.ready(2)
        await victim.send(job("victim", behave=behave))
        promised = int((await victim.head()).fields["content-length"]) if behave == "begun" else 0
        view = await gateway.until(lambda view: view["in_flight"] == 1)
        (label,) = [ticket["label"] for backend in view["backends"] for ticket in backend["tickets"]]
        for number, other in enumerate(others):
            await other.send(job(f"other-{number}"))
        await eventually(lambda: len(told(tmp_path, "job ")) == 2)
        killed = await kill_server_of(gateway, label)

        assert await outcomes(others) == [200] * 5
        if promised:
            assert len(await victim.rest()) < promised
        else:
            assert (await victim.answer()).status == 502

        view = await gateway.until(lambda view: is_quiet(view) and len(view["backends"]) == 2)
        assert killed not in {backend["identity"] for backend in view["backends"]}
        assert (sent_twice(told(tmp_path, "job ")), told(tmp_path, "double run ")) == (0, [])
        assert await gateway.total("gateway_requests_total", code=ending.value) == 1
        assert await gateway.total("gateway_requests_total") == 6
        await gateway.event("process_died", 1)
        assert len(gateway.events("process_died")) == 1
        assert "SIGKILL" in gateway.events("process_died")[0]["evidence"]
