"""The life of a process, as told to the pool. In virtual time; the last test with real ones."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from structlog.testing import capture_logs

from gateway.discovery.local_processes import LocalProcesses
from gateway.processes.launcher import Launcher
from tests.doubles.eventually import eventually
from tests.doubles.recording_reports import RecordingReports
from tests.doubles.scripted_processes import ScriptedStarter
from tests.doubles.told_watch import ToldWatch
from tests.doubles.virtual_time import virtual_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from gateway.core.records.listed import Listed

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time()


class Fleet:
    """Processes of a pool, with everything around them scripted."""

    def __init__(self, most: int | None = None, gpus: int | None = None) -> None:
        self.starter = ScriptedStarter(gpus)
        self.reports = RecordingReports()
        self.watch = ToldWatch()
        self.processes = LocalProcesses("sd", self.starter, self.reports, self.watch, most=most, start_timeout=600)

    async def start(self, *, ready: bool = False) -> None:
        """Ask for one more."""
        self.processes.start()
        await anyio.wait_all_tasks_blocked()
        if ready:
            self.watch.say(self.starter.started[-1].identity, ready=True)

    async def end(self, number: int, code: int, said: str = "") -> None:
        """The process of that number ends."""
        self.starter.started[number - 1].end(code, said)
        await anyio.wait_all_tasks_blocked()

    async def start_of(self, number: int) -> float:
        """Ask for one more every tenth of a second, as a scaler does, until that one is there; the seconds it took."""
        began = anyio.current_time()
        with anyio.fail_after(70):
            while len(self.starter.started) < number:
                await anyio.sleep(0.1)
                await self.start()
        return anyio.current_time() - began


@asynccontextmanager
async def fleet(most: int | None = None, gpus: int | None = None) -> AsyncIterator[Fleet]:
    """A fleet that runs."""
    processes = Fleet(most, gpus)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(processes.processes.run)
        await anyio.wait_all_tasks_blocked()
        yield processes
        tasks.cancel_scope.cancel()


async def test_from_start_to_stop() -> None:
    async with fleet() as pods:
        await pods.start()
        (pod,) = pods.reports.listing
        assert (pod.address, pod.fresh, pod.ready) == ("127.0.0.1:7001", True, False)
        await anyio.sleep(3)
        pods.watch.say("pod-1", ready=True)
        pods.watch.say("pod-1", ready=False)
        pods.watch.say("pod-1", ready=True)
        assert pods.processes.existing == 1

        pods.processes.stop("pod-1")
        assert pods.starter.started[0].told_to_stop
        assert pods.processes.existing == 0
        pods.watch.say("pod-1", ready=True)  # too late
        await pods.end(1, 143)
    assert pods.reports.told == [
        "list pod-1",
        "start succeeded",
        "pod-1 ready",
        "pod-1 starting",
        "pod-1 ready",
        "pod-1 draining",
        "pod-1 gone",
        "list",
    ]
    assert pods.watch.watched == []


async def test_starts_that_die_back_off_and_say_why() -> None:
    async with fleet() as pods:
        waits = []
        for number in range(1, 10):
            waits.append(await pods.start_of(number))
            await pods.end(number, 1, "ModuleNotFoundError: torch")
        assert [round(wait) for wait in waits] == [0, 1, 2, 4, 8, 16, 32, 60, 60]
        failures = [told for told in pods.reports.told if "failed" in told]
        assert failures[1] == "start failed: exit code 1: ModuleNotFoundError: torch (again in 2 s)"

        await pods.start_of(10)
        pods.watch.say("pod-10", ready=True)
        assert pods.reports.told[-2:] == ["start succeeded", "pod-10 ready"]
        await pods.start()
        assert pods.processes.existing == 2


async def test_a_program_that_is_not_there_is_a_failed_start() -> None:
    async with fleet() as pods:
        pods.starter.cannot = "launch.py: command not found"
        await pods.start()
        assert pods.reports.told == ["start failed: launch.py: command not found (again in 1 s)"]
        pods.starter.cannot = None
        await pods.start()
        assert pods.processes.existing == 0
        await anyio.sleep(1)
        await pods.start()
        assert pods.processes.existing == 1


async def test_a_start_that_takes_too_long_is_ended_and_has_failed() -> None:
    async with fleet() as pods:
        await pods.start()
        await anyio.sleep(601)
        assert pods.starter.started[0].told_to_stop
        assert pods.processes.existing == 0
        await pods.end(1, 143, "Loading weights")
        assert pods.reports.told[-1] == "start failed: not ready within 600 s: Loading weights (again in 1 s)"


async def test_a_start_that_is_called_off_has_not_failed() -> None:
    async with fleet() as pods:
        await pods.start()
        pods.processes.stop("pod-1")
        pods.processes.stop("pod-1")
        await pods.end(1, 143)
        assert pods.reports.told == ["list pod-1", "pod-1 draining", "pod-1 gone", "list"]


async def test_one_that_is_not_well_is_stopped_and_the_log_says_why_once() -> None:
    async with fleet() as pods:
        await pods.start(ready=True)
        with capture_logs() as lines:
            pods.processes.replace("pod-1", "its turns failed")
            pods.processes.replace("pod-1", "its turns failed")
        assert [(line["event"], line["evidence"]) for line in lines] == [("process_replaced", "its turns failed")]
        assert pods.processes.existing == 0
        await pods.end(1, 143)


async def test_a_ready_process_that_dies_is_simply_gone() -> None:
    async with fleet() as pods:
        await pods.start(ready=True)
        pods.reports.since_last_look()
        deaths: list[int] = []
        pods.processes.on_death = lambda: deaths.append(pods.processes.existing)
        await pods.end(1, 137)
        assert pods.reports.since_last_look() == ["pod-1 gone", "list"]
        assert deaths == [0]
        await pods.start()
        assert pods.processes.existing == 1


async def test_deaths_soon_after_being_ready_back_off_from_the_second_on() -> None:
    async with fleet() as pods:
        waits = []
        for number in range(1, 6):
            waits.append(await pods.start_of(number))
            pods.watch.say(f"pod-{number}", ready=True)
            await anyio.sleep(1)
            await pods.end(number, 139)
        assert [round(wait) for wait in waits] == [0, 0, 1, 2, 4]

        await pods.start_of(6)
        pods.watch.say("pod-6", ready=True)
        await anyio.sleep(3600)
        await pods.end(6, 139)  # that one had lived
        await pods.start()
        assert pods.processes.existing == 1
        assert not any("failed" in told for told in pods.reports.told)


@pytest.mark.parametrize("bound", [{"most": 2}, {"gpus": 2}])
async def test_a_place_is_free_when_its_process_has_really_ended(bound: dict[str, int]) -> None:
    async with fleet(**bound) as pods:
        assert list(pods.processes.ceilings.values()) == [2]
        for _ in range(3):
            await pods.start(ready=True)
        assert pods.processes.existing == 2
        pods.processes.stop("pod-1")
        await pods.start()
        assert pods.processes.existing == 1
        await pods.end(1, 143)
        await pods.start()
        assert pods.processes.existing == 2


async def test_closing_waits_for_the_last_and_starts_nothing_more() -> None:
    pods = Fleet()
    await pods.start()
    assert pods.starter.started == []  # it does not run yet
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pods.processes.run)
        await anyio.wait_all_tasks_blocked()
        await pods.start(ready=True)
        await pods.start()
        tasks.cancel_scope.cancel()
    assert not any(process.told_to_stop for process in pods.starter.started)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pods.processes.close)
        await anyio.wait_all_tasks_blocked()
        assert all(process.told_to_stop for process in pods.starter.started)
        await pods.start()
        for process in pods.starter.started:
            process.end(143)
    assert len(pods.starter.started) == 2
    assert pods.reports.told[-4:] == ["pod-1 gone", "list pod-2", "pod-2 gone", "list"]


class RealFleet:
    """Real processes with one GPU between them; each is ready when its log says where it is."""

    def __init__(self, log_dir: Path) -> None:
        command = ["sh", "-c", "echo at {host}:{port} on gpu {gpu}; exec sleep 600"]
        self.log_dir = log_dir
        self.reports = RecordingReports()
        self.launcher = Launcher(command, log_dir=log_dir, inherited=os.environ, gpus=[0])
        self.processes = LocalProcesses("sd", self.launcher, self.reports, self.watch, most=None, start_timeout=10)

    async def watch(self, backend: Listed, report: Callable[[bool], None]) -> None:
        """Look for its greeting."""
        await eventually(lambda: any(backend.address in log.read_text() for log in self.log_dir.iterdir()))
        report(True)
        await anyio.sleep_forever()

    async def told(self, what: str) -> None:
        """The pool learns this."""
        await eventually(lambda: what in self.reports.told, told=lambda: self.reports.told)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_real_processes_come_up_and_are_replaced(anyio_backend: str, tmp_path: Path) -> None:
    pods = RealFleet(tmp_path)
    identities = set()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pods.processes.run)
        await anyio.wait_all_tasks_blocked()
        for _ in range(2):
            pods.processes.start()
            pods.processes.start()  # there is one GPU
            (pod,) = pods.reports.listing
            await pods.told(f"{pod.identity} ready")
            pods.processes.stop(pod.identity)
            await pods.told(f"{pod.identity} gone")
            identities.add(pod.identity)
        assert len(identities) == 2
        pods.processes.start()
        await pods.processes.close()
        assert pods.launcher.running == 0
        await anyio.wait_all_tasks_blocked()
        assert sum(told.endswith(" gone") for told in pods.reports.told) == 3
        tasks.cancel_scope.cancel()
