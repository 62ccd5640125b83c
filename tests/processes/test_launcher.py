"""What a process is given, and when it is free again."""

from __future__ import annotations

import os
import resource
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from gateway.processes.launcher import CannotStart, Launcher
from gateway.processes.process import describe_exit
from tests.doubles.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from gateway.processes.process import Process

TELL = 'import os, sys; print(*sys.argv[1:], os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("LISTEN"))'
STAY = ["sh", "-c", "echo here; exec sleep 600"]
pytestmark = pytest.mark.anyio


@pytest.fixture(params=[{}, {"use_uvloop": True}], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both event loops: they treat children differently."""
    return "asyncio", request.param


class Starts:
    """A launcher whose processes end with the test."""

    def __init__(self, launcher: Launcher) -> None:
        self.launcher = launcher
        self.processes: list[Process] = []

    def start(self) -> Process:
        """Start one more."""
        self.processes.append(self.launcher.start())
        return self.processes[-1]

    async def clear_up(self) -> None:
        """Leave nobody."""
        with anyio.fail_after(10):
            for process in self.processes:
                process.stop()
                await process.wait()


@asynccontextmanager
async def launching(command: list[str], log_dir: Path, **options: Any) -> AsyncIterator[Starts]:
    """A launcher for this command; its processes are ended with the block."""
    starts = Starts(Launcher(command, log_dir=log_dir, inherited=os.environ, stop_grace=0.2, **options))
    try:
        yield starts
    finally:
        await starts.clear_up()


async def test_each_process_is_told_its_port_and_its_gpu(tmp_path: Path) -> None:
    command = ["{python}", "-c", TELL, "--port={port}", "{gpu}"]
    async with launching(command, tmp_path, gpus=[0, "GPU-7"], env={"LISTEN": "{host}:{port}"}) as pods:
        first, second = pods.start(), pods.start()
        assert (await first.wait(), await second.wait()) == (0, 0)
    assert first.address == f"127.0.0.1:{first.allocation.port}" != second.address
    assert first.evidence() == f"--port={first.allocation.port} 0 0 {first.address}"
    assert second.evidence() == f"--port={second.allocation.port} GPU-7 GPU-7 {second.address}"


async def test_processes_may_be_at_an_ipv6_address(tmp_path: Path) -> None:
    async with launching(["{python}", "-c", TELL, "{host}"], tmp_path, host="::1") as pods:
        one = pods.start()
        assert await one.wait() == 0
    assert one.address == f"[::1]:{one.allocation.port}"
    assert one.evidence() == "::1 None None"


async def test_a_gpu_and_a_name_are_free_when_the_process_has_really_ended(tmp_path: Path) -> None:
    slow_to_leave = ["sh", "-c", "trap '' TERM; echo here; while :; do sleep 0.1; done"]
    async with launching(slow_to_leave, tmp_path, gpus=["a", "b"]) as pods:
        first, second = pods.start(), pods.start()
        await eventually(lambda: first.evidence() == "here", told=first.evidence)
        first.stop()
        with pytest.raises(CannotStart, match="no GPU is free"):
            pods.start()
        assert pods.launcher.running == 2
        assert await first.wait() == 137
        third = pods.start()
        assert (third.name, third.allocation.gpu) == ("pod-1", "a")
        assert len({first.identity, second.identity, third.identity}) == 3


async def test_every_waiter_learns_of_the_end_and_one_that_gives_up_harms_nobody(tmp_path: Path) -> None:
    codes = []

    async def wait_for(process: Process) -> None:
        codes.append(await process.wait())

    async with launching(STAY, tmp_path) as pods:
        process = pods.start()
        with anyio.move_on_after(0.05):
            await process.wait()
        assert process.exit_code is None
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(wait_for, process)
                tasks.start_soon(wait_for, process)
                process.stop()
                process.stop()
        process.stop()
    assert [describe_exit(code) for code in codes] == ["ended by SIGTERM"] * 2


async def test_an_end_is_learned_of_even_when_no_descriptor_is_left(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with launching(STAY, tmp_path) as pods:
        process = pods.start()
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
            process.stop()
            with anyio.fail_after(10):
                assert await process.wait() == 143
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_log_that_was_removed_is_no_evidence(tmp_path: Path) -> None:
    async with launching(["true"], tmp_path) as pods:
        process = pods.start()
        process.allocation.log.unlink()
        assert process.evidence() == ""


async def test_nothing_is_left_open(tmp_path: Path) -> None:
    async with launching(["true"], tmp_path) as pods:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            await pods.start().wait()
        assert len(os.listdir("/proc/self/fd")) == before


async def test_no_process_without_its_program(tmp_path: Path) -> None:
    async with launching(["launch-nothing", "--port", "{port}"], tmp_path) as pods:
        with pytest.raises(CannotStart, match="launch-nothing: command not found"):
            pods.start()
        assert pods.launcher.running == 0


async def test_no_process_without_its_log(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with launching(STAY, tmp_path / "file") as pods:
        with pytest.raises(CannotStart, match="log_dir: "):
            pods.start()


@pytest.mark.parametrize(
    ("command", "gpus", "why"),
    [([], None, "empty"), (["run", "--gpu={gpu}"], None, "no gpus"), (["run"], [1, "1"], "twice")],
)
def test_what_cannot_work_is_refused_at_once(
    tmp_path: Path, command: list[str], gpus: list[int] | None, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        Launcher(command, log_dir=tmp_path, inherited={}, gpus=gpus)


async def test_the_pods_environment_is_what_it_was_handed(tmp_path: Path) -> None:
    launcher = Launcher([sys.executable, "-c", TELL], log_dir=tmp_path, inherited={"LISTEN": "x"}, env={})
    process = launcher.start()
    await process.wait()
    assert process.evidence() == "None x"


@pytest.mark.parametrize(
    ("code", "words"), [(0, "exit code 0"), (1, "exit code 1"), (137, "ended by SIGKILL"), (255, "exit code 255")]
)
def test_an_exit_code_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words
