"""The processes that a measurement needs: each started on a core of its own, and ended by its id, whatever happens.

What is measured has one core to itself; load and pods share the other. Where there is no second core, or no way to ask
for one, nothing is pinned, and the report says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Sequence

#: Seconds from SIGTERM to SIGKILL: longer than the grace that the gateway under test is given.
_PATIENCE = 10.0


class CannotMeasure(Exception):
    """Something that a measurement needs is not there, or broke. Its words go into the report."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Where things run. Empty: wherever the kernel likes."""

    target: frozenset[int] = frozenset()  # what is measured
    load: frozenset[int] = frozenset()  # load and pods
    every: frozenset[int] = frozenset()  # what is not to be pinned


def choose_cores() -> Cores:
    """The first two that this process may use."""
    if not hasattr(os, "sched_getaffinity"):
        return Cores()
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        return Cores()
    return Cores(frozenset(allowed[:1]), frozenset(allowed[1:2]), frozenset(allowed))


def pin(pid: int, cores: frozenset[int]) -> None:
    """Keep a process, and what it starts from now on, on these cores. `pid` 0: this one."""
    if cores:
        with contextlib.suppress(ProcessLookupError):  # it has ended: whoever waits for it will notice
            os.sched_setaffinity(pid, cores)


@contextlib.asynccontextmanager
async def child(
    command: Sequence[str],
    cores: frozenset[int],
    *,
    stdin: int | None = None,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
) -> AsyncIterator[Process]:
    """A process that lives as long as the context. Raises CannotMeasure if there is no such program."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=stdin, stdout=stdout, stderr=stderr, limit=_LONGEST_LINE
        )
    except OSError as error:
        raise CannotMeasure(f"{command[0]} cannot be started: {error.strerror}") from error
    try:
        pin(process.pid, cores)
        yield process
    finally:
        await _end(process)


#: Bytes of one line that a child may say: a pod's whole history is one.
_LONGEST_LINE = 16 * 1024 * 1024


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(_PATIENCE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def cpu_seconds(pid: int) -> float | None:
    """What a process has used so far, user and system. None: this machine has no /proc to tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    user, system = stat.rpartition(")")[2].split()[11:13]  # after the name, which may hold anything
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
