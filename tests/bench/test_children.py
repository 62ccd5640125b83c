"""What is read off the kernel's notes, and where a child runs."""

from __future__ import annotations

import os
import sys
from asyncio.subprocess import PIPE

import pytest

from bench.children import Usage, child, choose_cores, cpu_seconds, family, memory_kib, parse_stat


def test_a_name_may_hold_anything() -> None:
    line = "42 (a) b (c) S 7 42 42 0 -1 4194304 100 0 0 0 30 12 0 0 20 0 1 0 500 1000 50"
    assert parse_stat(line) == Usage(pid=42, parent=7, ticks=42)


def test_workers_and_what_they_start_are_of_the_family_and_nobody_else_is() -> None:
    parents = {1: 0, 10: 1, 11: 10, 12: 10, 13: 12, 20: 1}
    known = {pid: Usage(pid, parent, ticks=0) for pid, parent in parents.items()}
    assert family(10, known) == {10, 11, 12, 13}
    assert family(20, known) == {20}


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="there is no /proc")
def test_a_process_that_runs_is_known_and_one_that_does_not_is_not() -> None:
    nobody = 2**30
    assert (cpu_seconds(os.getpid()), memory_kib(os.getpid())) > (0.0, 0)
    assert (cpu_seconds(nobody), memory_kib(nobody)) == (None, None)


@pytest.mark.anyio
@pytest.mark.skipif(not choose_cores().target, reason="there is no second core, or no way to ask for one")
async def test_a_child_has_its_core_before_it_can_count_cores() -> None:
    cores = choose_cores().target
    tell = "import os; print(*os.sched_getaffinity(0))"
    async with child((sys.executable, "-c", tell), cores, stdout=PIPE) as process:
        said, _ = await process.communicate()
    assert {int(core) for core in said.split()} == cores
