"""The feed on its way to those who watch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from gateway.ops.event_stream import EventStream
from gateway.ops.live import PERIOD
from tests.core.playbook import Playbook
from tests.doubles.watched_pools import WatchedPools

if TYPE_CHECKING:
    from collections.abc import MutableMapping

pytestmark = pytest.mark.anyio


class Viewer:
    """One page that watches. It reads when the test lets it."""

    def __init__(self, *, reads: bool = True) -> None:
        self.events: list[bytes] = []
        self.status: int | None = None
        self.ended = False
        self.reads = anyio.Event()
        self._gone = anyio.Event()
        if reads:
            self.reads.set()

    def leave(self) -> None:
        self._gone.set()

    async def receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message.get("more_body"):
            self.events.append(message["body"].split(b"\n")[0])
            await self.reads.wait()
        else:
            self.ended = True


async def test_a_viewer_gets_the_whole_and_then_the_news_until_it_leaves() -> None:
    watched, viewer = WatchedPools(Playbook()), Viewer()
    stream = EventStream(watched.feed)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stream.show, viewer.receive, viewer.send)
        await until(lambda: len(viewer.events) == 1)
        assert stream.viewers == 1
        watched.later(PERIOD)
        await until(lambda: len(viewer.events) == 2)
        viewer.leave()

    assert (viewer.status, viewer.events) == (200, [b"event: whole", b"event: news"])
    assert stream.viewers == 0


async def test_one_that_reads_slowly_misses_frames_and_nothing_is_kept_for_it() -> None:
    watched, slow = WatchedPools(Playbook()), Viewer(reads=False)
    stream = EventStream(watched.feed)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stream.show, slow.receive, slow.send)
        await until(lambda: len(slow.events) == 1)
        for _ in range(5):
            watched.later(PERIOD)
            watched.feed.frame()  # somebody else watches, too
        assert slow.events == [b"event: whole"]
        slow.reads.set()
        await until(lambda: len(slow.events) == 2)
        slow.leave()

    assert slow.events == [b"event: whole", b"event: whole"]


async def test_nobody_watches_and_nothing_is_made() -> None:
    watched = WatchedPools(Playbook())
    EventStream(watched.feed)
    assert watched.made == 0


async def test_there_is_room_for_so_many() -> None:
    watched, viewer = WatchedPools(Playbook()), Viewer()
    stream = EventStream(watched.feed, most=1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stream.show, viewer.receive, viewer.send)
        await until(lambda: stream.is_full)
        viewer.leave()
    assert not stream.is_full


async def test_at_the_end_every_answer_ends() -> None:
    watched, viewer = WatchedPools(Playbook()), Viewer()
    stream = EventStream(watched.feed)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stream.show, viewer.receive, viewer.send)
        await until(lambda: viewer.events)
        stream.close()
    assert viewer.ended


async def until(holds: Any) -> None:
    with anyio.fail_after(10):
        while not holds():  # noqa: ASYNC110  (nobody could set an event)
            await anyio.sleep(0.005)
