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
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Mapping, Sequence

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


@dataclass(frozen=True, slots=True)
class Usage:
    """What the kernel has noted of a process."""

    pid: int
    parent: int
    ticks: int  # of CPU time


def choose_cores() -> Cores:
    """The first two that this process may use."""
    if not hasattr(os, "sched_getaffinity"):
        return Cores()
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        return Cores()
    return Cores(frozenset(allowed[:1]), frozenset(allowed[1:2]), frozenset(allowed))


def pin(cores: frozenset[int]) -> None:
    """Keep this process, and what it starts from now on, on these cores."""
    if cores:
        os.sched_setaffinity(0, cores)


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
            *command,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            limit=_LONGEST_LINE,
            preexec_fn=partial(pin, cores),  # before it runs: threads it starts at once, and its count of cores
        )
    except OSError as error:
        raise CannotMeasure(f"{command[0]} cannot be started: {error.strerror}") from error
    try:
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
    """What a process and all that it has started and that still run have used so far, user and system. None: this
    machine has no /proc to tell."""
    known = {usage.pid: usage for file in Path("/proc").glob("[0-9]*/stat") if (usage := _usage(file))}
    if pid not in known:
        return None
    return sum(known[one].ticks for one in family(pid, known)) / os.sysconf("SC_CLK_TCK")


def memory_kib(pid: int) -> int | None:
    """What a process has in memory now, resident. None: this machine has no /proc to tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), None)


def parse_stat(text: str) -> Usage:
    """A line of /proc/PID/stat."""
    pid, _, rest = text.partition(" ")
    fields = rest.rpartition(")")[2].split()  # after the name, which may hold anything
    return Usage(int(pid), int(fields[1]), int(fields[11]) + int(fields[12]))


def family(pid: int, known: Mapping[int, Usage]) -> set[int]:
    """A process, what it started, and what that started."""
    members, found = set[int](), {pid}
    while found:
        members |= found
        found = {one.pid for one in known.values() if one.parent in found} - members
    return members


def _usage(file: Path) -> Usage | None:
    try:
        return parse_stat(file.read_text())
    except OSError:  # it has ended meanwhile
        return None


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
