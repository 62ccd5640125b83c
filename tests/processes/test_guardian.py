"""Nothing of a pod outlives its guardian's errand: real processes, real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from gateway.processes import guardian
from tests.doubles import family
from tests.doubles.eventually import eventually
from tests.doubles.relatives import MARK, marked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAMILY = [sys.executable, family.__file__]
SAY_DYING_WORDS = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("all here", flush=True)
time.sleep(600)
"""


class Guarded:
    """A guardian that this test started, its lifeline, and everybody below."""

    def __init__(self, command: list[str], log: Path, grace: float) -> None:
        self.mark = uuid.uuid4().hex
        self.log = log
        watched, self._lifeline = os.pipe()
        with log.open("wb") as output:
            self.guardian = subprocess.Popen(
                [sys.executable, "-I", "-S", guardian.__file__, str(watched), str(grace), "--", *command],
                stdout=output,
                stderr=output,
                env=os.environ | {MARK: self.mark},
                pass_fds=(watched,),
                start_new_session=True,
            )
        os.close(watched)

    def cut_lifeline(self) -> None:
        """As the gateway's end does."""
        os.close(self._lifeline)
        self._lifeline = -1

    def everybody(self) -> dict[int, str]:
        """Who lives, the guardian included."""
        return marked(self.mark)

    def clear_up(self) -> None:
        """End what a failed test has left."""
        if self._lifeline >= 0:
            self.cut_lifeline()
        for pid in self.everybody():
            os.kill(pid, signal.SIGKILL)
        self.guardian.wait(10)


def start_keeper(log_dir: Path, mark: str) -> subprocess.Popen[bytes]:
    """Something like a gateway, in a process group of its own, with two families."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.doubles.pod_keeper", str(log_dir), *FAMILY],
        env=os.environ | {MARK: mark},
        start_new_session=True,
    )


@contextmanager
def guarded(command: list[str], log_dir: Path, grace: float = 0.5) -> Iterator[Guarded]:
    """Run `command` under a guardian."""
    pod = Guarded(command, log_dir / "pod.log", grace)
    try:
        yield pod
    finally:
        pod.clear_up()


@pytest.mark.anyio
async def test_the_gateway_is_gone_and_so_is_the_family(tmp_path: Path) -> None:
    with guarded(FAMILY, tmp_path) as pod:
        await eventually(lambda: "all here" in pod.log.read_text(), told=pod.log.read_text)
        assert len(pod.everybody()) == 5  # the guardian, the pod, a child, a stubborn one, a daemon
        pod.cut_lifeline()
        await eventually(lambda: not pod.everybody(), within=5, told=pod.everybody)


@pytest.mark.anyio
async def test_sigterm_is_passed_on_and_the_commands_exit_code_comes_back(tmp_path: Path) -> None:
    with guarded([sys.executable, "-c", SAY_DYING_WORDS], tmp_path, grace=30) as pod:
        await eventually(lambda: "all here" in pod.log.read_text(), told=pod.log.read_text)
        pod.guardian.terminate()
        assert pod.guardian.wait(5) == 7


@pytest.mark.anyio
async def test_an_interrupt_is_not_for_the_guardian(tmp_path: Path) -> None:
    with guarded([sys.executable, "-c", SAY_DYING_WORDS], tmp_path, grace=30) as pod:
        await eventually(lambda: "all here" in pod.log.read_text(), told=pod.log.read_text)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            os.killpg(pod.guardian.pid, number)
        pod.guardian.terminate()
        assert pod.guardian.wait(5) == 7


@pytest.mark.anyio
async def test_a_command_that_ends_leaves_nobody(tmp_path: Path) -> None:
    with guarded(["sh", "-c", "sleep 600 & exit 3"], tmp_path, grace=30) as pod:
        assert pod.guardian.wait(5) == 3
        assert not pod.everybody()


@pytest.mark.anyio
async def test_a_guardian_killed_outright_takes_its_command_along(tmp_path: Path) -> None:
    with guarded([sys.executable, "-c", SAY_DYING_WORDS], tmp_path) as pod:
        await eventually(lambda: "all here" in pod.log.read_text(), told=pod.log.read_text)
        pod.guardian.kill()
        await eventually(lambda: not pod.everybody(), within=5, told=pod.everybody)


@pytest.mark.parametrize(
    ("command", "exit_code", "said"),
    [
        (["sh", "-c", "kill -SEGV $$"], 128 + signal.SIGSEGV, ""),
        (["/nowhere/python3"], 127, "cannot run /nowhere/python3: No such file or directory"),
    ],
)
def test_exit_codes(tmp_path: Path, command: list[str], exit_code: int, said: str) -> None:
    with guarded(command, tmp_path) as pod:
        assert pod.guardian.wait(5) == exit_code
        assert said in pod.log.read_text()


def test_signals_that_python_ignores_are_not_ignored_in_the_command(tmp_path: Path) -> None:
    with guarded(["grep", "SigIgn", "/proc/self/status"], tmp_path) as pod:
        assert pod.guardian.wait(5) == 0
        ignored = int(pod.log.read_text().split()[1], 16)
    assert not ignored & (1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGINT - 1) | 1 << (signal.SIGTERM - 1))


@pytest.mark.anyio
async def test_a_gateway_killed_with_its_whole_group_leaves_neither_pods_nor_their_children(tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    keeper = start_keeper(tmp_path, mark)

    def logs() -> list[str]:
        return [log.read_text() for log in tmp_path.glob("*.log")]

    try:
        await eventually(lambda: [text for text in logs() if "all here" in text] == ["all here\n"] * 2, told=logs)
        assert len(marked(mark)) == 1 + 2 * 5
        os.killpg(keeper.pid, signal.SIGKILL)
        assert keeper.wait(5) == -signal.SIGKILL
        await eventually(lambda: not marked(mark), within=5, told=lambda: marked(mark))
    finally:
        for pid in marked(mark):
            os.kill(pid, signal.SIGKILL)
        keeper.wait(5)
