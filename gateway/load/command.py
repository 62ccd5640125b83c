"""The command `gateway load`: runs a plan, shows progress on stderr, prints the summary on stdout."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import anyio
from rich.console import Console

from gateway.load.progress import display_on
from gateway.load.report import render
from gateway.load.sender import run_load

if TYPE_CHECKING:
    from anyio.abc import TaskStatus

    from gateway.load.plan import LoadPlan
    from gateway.load.progress import Display
    from gateway.load.result import LoadResult

_INTERRUPTED = 130  # as shells say: 128 and the number of SIGINT


def main(plan: LoadPlan) -> int:
    """Carry out the plan and return the exit code: 0 if every request got a 2xx, 1 if not, 130 after Ctrl-C.

    Ctrl-C ends the run; the summary then covers what was done so far.
    """
    with display_on(Console(stderr=True), plan.requests) as display:
        result = anyio.run(_until_interrupted, plan, display)
    sys.stdout.write(render(result))
    sys.stdout.flush()
    if result.interrupted:
        return _INTERRUPTED
    return 0 if result.is_good else 1


async def _until_interrupted(plan: LoadPlan, display: Display) -> LoadResult:
    stop = anyio.Event()
    async with anyio.create_task_group() as group:
        await group.start(_set_on_interrupt, stop)
        result = await run_load(plan, display, stop)
        group.cancel_scope.cancel()
    return result


async def _set_on_interrupt(stop: anyio.Event, *, task_status: TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(signal.SIGINT) as signals:
        task_status.started()
        async for _ in signals:
            stop.set()
