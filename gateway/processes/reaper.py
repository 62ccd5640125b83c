"""Collects orphans: the process with PID 1 is given each process whose parent has gone, and must wait for it.

A child that has ended and is still uncollected one round later is taken for an orphan. So other code waits for its own
children without registering them.
"""

from __future__ import annotations

import contextlib
import os

import anyio


def adopts_orphans() -> bool:
    """This process is the first of its PID namespace, as in a container."""
    return os.getpid() == 1


async def reap_orphans(period: float = 5.0) -> None:
    """Collect orphans every `period` seconds, until cancelled. Other code must collect its children sooner than that.

    Linux only, as a PID namespace is.
    """
    seen: set[int] = set()
    while True:
        ended = ended_children()
        _collect(ended & seen)
        seen = ended
        await anyio.sleep(period)


def _collect(pids: set[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def ended_children() -> set[int]:
    """Children of this process that nobody has waited for."""
    us = str(os.getpid()).encode()
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:
                state, parent = stat.read().rpartition(b")")[2].split()[:2]
                if state == b"Z" and parent == us:
                    found.add(int(name))
    return found
