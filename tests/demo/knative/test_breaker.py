"""How many may be in a pod, and in what order they get their turns."""

from __future__ import annotations

import anyio
import pytest

from gateway.demo.knative.breaker import Breaker, QueueFull

pytestmark = pytest.mark.anyio


async def test_first_come_first_served_and_eleven_times_the_limit_at_most() -> None:
    breaker, order, go = Breaker(2), list[int](), anyio.Event()

    async def visit(number: int) -> None:
        async with breaker.turn():
            order.append(number)
            await go.wait()

    async with anyio.create_task_group() as tasks:
        for number in range(22):
            tasks.start_soon(visit, number)
        await anyio.wait_all_tasks_blocked()
        assert (order, breaker.here) == ([0, 1], 22)
        go.set()
    assert order == list(range(22))
    assert breaker.here == 0


async def test_one_too_many_is_refused_and_takes_no_place() -> None:
    breaker = Breaker(1)
    async with breaker.turn(), anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(breaker.turn().__aenter__)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(QueueFull):
            await breaker.turn().__aenter__()
        assert breaker.here == 11
        tasks.cancel_scope.cancel()
    assert breaker.here == 0
