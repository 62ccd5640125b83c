"""Tasks beside all others: started from anywhere, and missed when they fail."""

from __future__ import annotations

import asyncio

import anyio
import pytest
from structlog.testing import capture_logs

from gateway.runtime.background import Background

pytestmark = pytest.mark.anyio


async def test_a_task_can_be_started_from_a_callback_of_the_loop() -> None:
    ran = anyio.Event()

    async def run() -> None:
        ran.set()

    async with anyio.create_task_group() as tasks:
        background = Background(tasks)
        asyncio.get_running_loop().call_soon(background.start, "from a signal", run)
        with anyio.fail_after(5):
            await ran.wait()
        tasks.cancel_scope.cancel()


async def test_all_that_were_asked_for_at_once_are_started_in_order() -> None:
    began: list[str] = []

    async def run(name: str) -> None:
        began.append(name)
        await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        background = Background(tasks)
        for name in ("scaler", "timers", "reaper"):
            background.start(name, lambda name=name: run(name))  # type: ignore[misc]
        await anyio.wait_all_tasks_blocked()
        assert began == ["scaler", "timers", "reaper"]
        tasks.cancel_scope.cancel()


async def test_one_that_fails_is_named_and_ends_the_others() -> None:
    async def run() -> None:
        raise ValueError("no more timers")

    with capture_logs() as events, pytest.raises(ExceptionGroup) as raised:
        async with anyio.create_task_group() as tasks:
            Background(tasks).start("timers", run)
    assert str(raised.value.exceptions[0]) == "no more timers"
    assert [(event["event"], event["task"]) for event in events] == [("task_failed", "timers")]
