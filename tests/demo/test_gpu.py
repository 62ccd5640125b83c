"""One job at a time; a second is refused and counted; an interrupt ends the running one."""

from __future__ import annotations

import anyio
import pytest

from gateway.demo.gpu import Gpu, Job, TwoAtOnceError
from tests.doubles.eventually import eventually

_FOREVER = 3600.0


def job(seconds: float, task: str = "task(a)") -> Job:
    return Job("txt2img", task, 20, seconds)


async def until_ended(gpu: Gpu, count: int) -> None:
    await eventually(lambda: len(gpu.ended) == count and gpu.job is not None)


@pytest.mark.anyio
async def test_jobs_one_after_the_other_are_served() -> None:
    gpu = Gpu()
    assert await gpu.run(job(0.0), lambda: "one") == "one"
    assert await gpu.run(job(0.0), lambda: "two") == "two"
    assert (gpu.served, gpu.two_at_once, gpu.stopped, gpu.job) == (2, 0, 0, None)


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["interrupt", "skip"])
async def test_a_second_is_refused_and_the_first_goes_on_until_it_is_stopped(how: str) -> None:
    gpu, first = Gpu(), job(_FOREVER)
    async with anyio.create_task_group() as group:
        group.start_soon(gpu.run, first, list)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(TwoAtOnceError, match="img2img came while txt2img was running"):
            await gpu.run(Job("img2img", "task(b)", 20, 0.0), list)
        assert gpu.job is first
        getattr(first, how)()
    assert (gpu.served, gpu.two_at_once, gpu.stopped, gpu.job) == (1, 1, 1, None)
    assert list(gpu.ended) == ["task(a)"]


@pytest.mark.anyio
async def test_a_job_whose_painting_fails_leaves_the_gpu_free() -> None:
    gpu = Gpu()
    with pytest.raises(ZeroDivisionError):
        await gpu.run(job(_FOREVER), lambda: 1 / 0)
    assert (gpu.served, gpu.job) == (0, None)


@pytest.mark.anyio
async def test_where_it_queues_they_come_in_order_and_are_counted() -> None:
    gpu, jobs = Gpu(queues=True), [job(_FOREVER, f"task({name})") for name in "abc"]
    async with anyio.create_task_group() as group:
        for each in jobs:
            group.start_soon(gpu.run, each, list)
            await anyio.wait_all_tasks_blocked()
        assert gpu.job is jobs[0]
        assert gpu.waiting == ["task(b)", "task(c)"]
        for ended, each in enumerate(jobs):
            await until_ended(gpu, ended)
            each.interrupt()
    assert (list(gpu.ended), gpu.two_at_once) == (["task(a)", "task(b)", "task(c)"], 2)


@pytest.mark.anyio
async def test_who_gives_up_waiting_leaves_the_line() -> None:
    gpu, first = Gpu(queues=True), job(_FOREVER)
    async with anyio.create_task_group() as group:
        group.start_soon(gpu.run, first, list)
        await anyio.wait_all_tasks_blocked()
        with anyio.move_on_after(0):
            await gpu.run(job(0.0, "task(b)"), list)
        assert gpu.waiting == []
        first.interrupt()
    assert gpu.job is None


def test_how_far_a_job_is() -> None:
    assert job(0.0).part == 1.0
    assert 0.0 <= job(_FOREVER).part < 0.1
    assert _FOREVER - 60 < job(_FOREVER).seconds_left <= _FOREVER
