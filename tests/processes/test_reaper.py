"""PID 1 collects the children of others, and takes nobody's exit status. In a child process: it must adopt orphans."""

from __future__ import annotations

import subprocess
import sys

from gateway.processes.reaper import adopts_orphans

ADOPTING = """
import ctypes, os, subprocess, sys, anyio
from gateway.processes.reaper import ended_children, reap_orphans

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

def orphan():
    "Its parent is gone before it ends itself."
    subprocess.run(["sh", "-c", "(sleep 0.05; exit 1) & (sleep 0.05; exit 2) &"], check=True)

async def main():
    uvloop = sys.argv[1] == "uvloop"
    orphan()
    async with anyio.create_task_group() as tasks:
        while len(ended_children()) < 2:
            await anyio.sleep(0.01)
        tasks.start_soon(reap_orphans, 0.05)
        ours = await anyio.open_process(["sh", "-c", "sleep 0.1; exit 7"])
        await ours.wait()
        await ours.aclose()
        assert ours.returncode == 7, ours.returncode
        while ended_children():
            await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    print("collected")

anyio.run(main, backend_options={"use_uvloop": sys.argv[1] == "uvloop"})
"""


def test_orphans_are_collected_and_our_own_children_are_not() -> None:
    for loop in ("asyncio", "uvloop"):
        run = subprocess.run([sys.executable, "-c", ADOPTING, loop], capture_output=True, text=True, timeout=20)
        assert run.stdout == "collected\n", run.stderr


def test_a_process_that_is_not_the_first_adopts_nobody() -> None:
    assert not adopts_orphans()
