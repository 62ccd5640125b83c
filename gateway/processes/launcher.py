"""Starts processes of one command, each with a port, a GPU, a name and a log file of its own, which are free again when
the process has ended. Never decides when to start one, nor how many.

Starting is synchronous on purpose: a port, a GPU and a name are chosen and taken in one step.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
from itertools import count
from typing import TYPE_CHECKING

from gateway.processes import guardian
from gateway.processes.logs import LogFiles
from gateway.processes.process import Allocation, Process

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class CannotStart(Exception):
    """No process was started; the text is the evidence."""


class Launcher:
    """Starts processes of one command. `{port}`, `{host}`, `{gpu}` and `{python}` (the gateway's interpreter) in
    the command and in the values of `env` are replaced for each process. The process gets `inherited` and `env` as its
    environment, and one of the `gpus`, if any are given, as CUDA_VISIBLE_DEVICES. `stop_grace`: seconds from SIGTERM to
    SIGKILL, when a process is stopped and when the gateway is gone.

    Raises ValueError if the command is empty, a GPU is given twice, or `{gpu}` is used and none are given.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log_dir: Path,
        inherited: Mapping[str, str],
        env: Mapping[str, str] | None = None,
        gpus: Sequence[str | int] | None = None,
        name: str = "pod",
        host: str = "127.0.0.1",
        stop_grace: float = 3.0,
        keep_logs: int = 50,
    ) -> None:
        self._command = list(command)
        self._env = dict(env or {})
        self._inherited = dict(inherited)
        self._gpus = None if gpus is None else [str(gpu) for gpu in gpus]
        self._name = name
        self._host = host
        self._stop_grace = stop_grace
        self._logs = LogFiles(log_dir, keep_logs)
        self._started: list[Process] = []
        if not self._command:
            raise ValueError("the command is empty")
        if self._gpus is None and any("{gpu}" in text for text in (*self._command, *self._env.values())):
            raise ValueError("{gpu} is used, but no gpus are given")
        if self._gpus is not None and len(set(self._gpus)) < len(self._gpus):
            raise ValueError("a GPU is given twice")

    @property
    def gpus(self) -> int | None:
        """How many GPUs there are. None: processes get none."""
        return None if self._gpus is None else len(self._gpus)

    @property
    def running(self) -> int:
        """Processes that have not ended, those that are being stopped included."""
        return len(self._running())

    def start(self) -> Process:
        """Start one more. Raises CannotStart if its program is not there, no GPU is free, or the system refuses."""
        running = self._running()
        if self._gpus is not None and len(running) >= len(self._gpus):
            raise CannotStart("no GPU is free")
        try:
            allocation = self._allocate([process.allocation for process in running])
            process = self._spawn(allocation)
        except OSError as error:
            raise CannotStart(f"cannot start {self._command[0]}: {error.strerror or error}") from error
        self._started = [*running, process]
        return process

    def _running(self) -> list[Process]:
        return [process for process in self._started if process.exit_code is None]

    def _allocate(self, taken: Sequence[Allocation]) -> Allocation:
        names = {allocation.name for allocation in taken}
        name = next(name for number in count(1) if (name := f"{self._name}-{number}") not in names)
        gpu = None
        if self._gpus is not None:
            in_use = {allocation.gpu for allocation in taken}
            gpu = next(gpu for gpu in self._gpus if gpu not in in_use)
        port = _free_port(self._host, {allocation.port for allocation in taken})
        try:
            log = self._logs.create(name, [allocation.log for allocation in taken])
        except OSError as error:
            raise CannotStart(f"log_dir: {error.strerror}") from error
        return Allocation(name, self._host, port, gpu, log)

    def _spawn(self, allocation: Allocation) -> Process:
        command = [_fill_in(word, allocation) for word in self._command]
        env = self._inherited | {key: _fill_in(value, allocation) for key, value in self._env.items()}
        if allocation.gpu is not None:
            env["CUDA_VISIBLE_DEVICES"] = allocation.gpu
        if shutil.which(command[0], path=env.get("PATH", os.defpath)) is None:
            raise CannotStart(f"{command[0]}: command not found")
        watched, lifeline = os.pipe()
        try:
            child = self._spawn_guardian(watched, command, env, allocation.log)
        except OSError:
            os.close(lifeline)
            raise
        finally:
            os.close(watched)
        return Process(f"{allocation.name}.{secrets.token_hex(6)}", allocation, child, lifeline)

    def _spawn_guardian(
        self, lifeline: int, command: list[str], env: Mapping[str, str], log: Path
    ) -> subprocess.Popen[bytes]:
        guarded = [sys.executable, "-I", "-S", guardian.__file__, str(lifeline), str(self._stop_grace), "--", *command]
        with log.open("ab") as output:
            return subprocess.Popen(
                guarded,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                pass_fds=(lifeline,),
                start_new_session=True,  # a terminal's interrupt is for the gateway, which stops its pods in order
            )


def _fill_in(text: str, allocation: Allocation) -> str:
    given = {
        "port": str(allocation.port),
        "host": allocation.host,
        "gpu": allocation.gpu or "",
        "python": sys.executable,
    }
    for word, value in given.items():
        text = text.replace(f"{{{word}}}", value)
    return text


def _free_port(host: str, taken: set[int]) -> int:
    """A port that nobody listens on and no other process of this launcher was given. Outgoing connections do
    not take it meanwhile: Linux gives them even ports, and odd ones to who binds."""
    while True:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((host, 0))
            port: int = probe.getsockname()[1]
        if port not in taken:
            return port
