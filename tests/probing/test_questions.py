"""Asking again and again while the answer is needed. In virtual time."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from gateway.probing.questions import WakeUps, ask_while_needed
from tests.doubles.virtual_time import virtual_time

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time()


class SlowQuestion:
    """It takes half a second for an answer."""

    period = 2.0

    def __init__(self) -> None:
        self.sent: list[float] = []

    async def __call__(self, sent_at: float) -> None:
        self.sent.append(sent_at)
        await anyio.sleep(0.5)


async def test_it_is_asked_a_period_after_each_answer_while_the_answer_is_needed() -> None:
    question = SlowQuestion()
    with anyio.move_on_after(12):
        await ask_while_needed(question, lambda: 1 < anyio.current_time() < 8, lambda: anyio.current_time() + 100)
    assert question.sent == [102, 104.5, 107]


async def test_who_rests_is_woken_to_ask_at_once_and_one_that_asks_keeps_its_pace() -> None:
    question, quarantines, needed = SlowQuestion(), WakeUps(), False
    async with anyio.create_task_group() as tasks:
        rest = lambda seconds: quarantines.rest("gpu-1", seconds)  # noqa: E731
        tasks.start_soon(ask_while_needed, question, lambda: needed, anyio.current_time, rest)
        await anyio.sleep(0.3)
        needed = True
        for identity in ("gpu-2", "gpu-1"):
            quarantines.wake(identity)
        await anyio.sleep(1)
        quarantines.wake("gpu-1")
        await anyio.sleep(3)
        tasks.cancel_scope.cancel()
    assert question.sent == [0.3, 2.8]


async def test_who_is_watched_anew_while_the_watch_before_ends_is_woken() -> None:
    quarantines, woken = WakeUps(), list[float]()

    async def rest(scope: anyio.CancelScope) -> None:
        with scope:
            await quarantines.rest("gpu-1", 60)
            woken.append(anyio.current_time())

    async with anyio.create_task_group() as tasks:
        before = anyio.CancelScope()
        tasks.start_soon(rest, before)
        await anyio.sleep(1)
        tasks.start_soon(rest, anyio.CancelScope())
        await anyio.sleep(1)
        before.cancel()
        await anyio.sleep(1)
        quarantines.wake("gpu-1")
    assert woken == [3]
