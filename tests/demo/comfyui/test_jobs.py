"""The queue and its worker: one prompt at a time, in order, and everything is told."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from gateway.demo.comfyui.jobs import Prompt, Worker
from tests.doubles.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio

GRAPH: dict[str, dict[str, Any]] = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a"}},
    "2": {"class_type": "KSampler", "inputs": {}},
    "3": {"class_type": "SaveImage", "inputs": {}},
}


class Diary:
    """Everything that was told, and to whom."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any], str | None]] = []

    def tell(self, kind: str, data: dict[str, Any], client: str | None) -> None:
        self.told.append((kind, data, client))

    def kinds(self, *, besides: str = "status") -> list[str]:
        return [kind for kind, _, _ in self.told if kind != besides]


def prompt(name: str, number: float = 1.0, client: str | None = "page") -> Prompt:
    return Prompt(number, name, GRAPH, client)


@asynccontextmanager
async def at_work(seconds: float) -> AsyncIterator[tuple[Worker, Diary]]:
    diary = Diary()
    worker = Worker(diary, seconds)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.run)
        await anyio.wait_all_tasks_blocked()
        yield worker, diary
        tasks.cancel_scope.cancel()


async def test_a_prompt_is_told_of_from_its_start_to_its_success() -> None:
    async with at_work(0) as (worker, diary):
        worker.submit(prompt("p1"))
        await eventually(lambda: worker.served == 1 and worker.running is None)
        kinds = diary.kinds()
        assert kinds[:3] == ["execution_start", "execution_cached", "executing"]
        assert kinds[-3:] == ["executed", "execution_success", "executing"]
        assert kinds.count("progress") == 10
        assert {client for kind, _, client in diary.told if kind != "status"} == {"page"}
        remaining = [data["status"]["exec_info"]["queue_remaining"] for kind, data, _ in diary.told if kind == "status"]
        assert remaining == [1, 0]
        done: Any = worker.history["p1"]
        [image] = done["outputs"]["3"]["images"]
        assert worker.files[image["filename"]].startswith(b"\x89PNG")
        assert done["status"]["completed"]


async def test_one_at_a_time_in_order_and_what_came_meanwhile_is_counted() -> None:
    async with at_work(3600) as (worker, diary):
        worker.submit(prompt("p1"))
        await anyio.wait_all_tasks_blocked()
        worker.submit(prompt("p3", 3))
        worker.submit(prompt("p2", 2))
        assert (worker.remaining, worker.two_at_once) == (3, 2)
        worker.interrupt("p2")  # it does not run
        assert worker.running is not None
        assert worker.running.id == "p1"
        worker.interrupt("p1")
        await eventually(lambda: worker.running is not None and worker.running.id == "p2")
        worker.delete(lambda each: each.id == "p3")
        worker.interrupt(None)
        await eventually(lambda: worker.remaining == 0)
        interrupted = [client for kind, _, client in diary.told if kind == "execution_interrupted"]
        assert interrupted == [None, None]  # everybody hears of it
        assert (worker.served, list(worker.history)) == (0, ["p1", "p2"])


async def test_an_interrupt_between_two_is_lost_and_the_queue_can_be_cleared() -> None:
    async with at_work(0) as (worker, _):
        worker.interrupt(None)
        worker.submit(prompt("p1"))
        worker.submit(prompt("p2"))
        worker.clear()
        assert worker.remaining == 0


async def test_whose_prompt_it_is_hears_where_it_is_and_of_a_nameless_one_only_progress_is_told() -> None:
    """Seen on 0.3.64."""
    async with at_work(3600) as (worker, diary):
        worker.submit(prompt("p1"))
        await eventually(lambda: worker.node_of("page") == "1")
        assert worker.node_of("another") is None
        worker.interrupt("p1")
        await eventually(lambda: worker.running is None)
        assert worker.node_of("page") is None
    async with at_work(0) as (worker, diary):
        worker.submit(prompt("p2", client=None))
        await eventually(lambda: worker.served == 1)
        assert set(diary.kinds()) == {"progress"}
