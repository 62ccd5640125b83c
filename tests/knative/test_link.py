"""The link to the autoscaler, in virtual time: back-off, what is sent, what is dropped."""

from __future__ import annotations

import itertools
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from structlog.testing import capture_logs

from gateway.knative.link import LONGEST_DELAY, AutoscalerLink
from tests.doubles.scripted_link import ScriptedAutoscaler, ScriptedConnection
from tests.doubles.virtual_time import virtual_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time()


class Line:
    """A link, the other side, and what was said of it."""

    def __init__(self, refusals: int = 0, chance: float = 0.0) -> None:
        self.server = ScriptedAutoscaler(refusals)
        self.changes: list[bool] = []
        self.link = AutoscalerLink(
            self.server.connect, clock=anyio.current_time, chance=lambda: chance, on_change=self.changes.append
        )

    @property
    def connection(self) -> ScriptedConnection:
        return self.server.connections[-1]

    @asynccontextmanager
    async def kept_up(self) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.link.run)
            await anyio.wait_all_tasks_blocked()
            yield
            tasks.cancel_scope.cancel()


async def passes(seconds: float) -> None:
    await anyio.sleep(seconds)
    await anyio.wait_all_tasks_blocked()


async def test_attempts_are_further_and_further_apart_to_a_bound() -> None:
    line = Line(refusals=1000)
    async with line.kept_up():
        await passes(60)
    times = line.server.asked_at
    gaps = [round(later - earlier, 3) for earlier, later in itertools.pairwise(times)]
    assert gaps[:4] == [0.1, 0.13, 0.169, 0.22]
    assert gaps[-1] == pytest.approx(max(gaps), abs=0.001)


async def test_no_delay_is_longer_than_the_longest_whatever_chance_adds() -> None:
    line = Line(refusals=30, chance=1.0)
    async with line.kept_up():
        await passes(200)
    assert (
        round(max(later - earlier for earlier, later in itertools.pairwise(line.server.asked_at)), 3) == LONGEST_DELAY
    )


async def test_chance_keeps_gateways_from_coming_all_at_once() -> None:
    line = Line(refusals=2, chance=1.0)
    async with line.kept_up():
        await passes(1)
    assert line.server.asked_at == [0, 0.15, 0.345]


async def test_a_link_goes_up_and_down_and_says_so() -> None:
    line = Line(refusals=1)
    with capture_logs() as logs:
        async with line.kept_up():
            assert (line.link.is_up, line.link.down_since) == (False, 0)
            await passes(3)
            assert line.link.is_up
            line.connection.loses("no pong")
            await anyio.wait_all_tasks_blocked()
            assert (line.link.is_up, line.link.down_since, line.link.losses) == (False, 3, 1)
            await passes(1)
            assert line.link.is_up
    assert line.changes == [True, False, True, False]
    assert line.server.closed == 2
    assert [(log["event"], log.get("why")) for log in logs] == [
        ("autoscaler_not_reached", "refused"),
        ("autoscaler_link_up", None),
        ("autoscaler_link_lost", "no pong"),
        ("autoscaler_link_up", None),
    ]


async def test_of_attempts_in_vain_only_the_first_is_a_warning() -> None:
    with capture_logs() as logs:
        async with Line(refusals=5).kept_up():
            await passes(5)
    assert [log["log_level"] for log in logs if log["event"] == "autoscaler_not_reached"] == ["warning"] + ["debug"] * 4


async def test_an_autoscaler_that_restarts_is_asked_again_at_once() -> None:
    line = Line()
    async with line.kept_up():
        await passes(5)
        line.connection.loses("1012", restarting=True)
        await anyio.wait_all_tasks_blocked()
        assert line.server.asked_at == [0, 5]


async def test_one_that_drops_each_connection_at_once_is_not_hammered() -> None:
    line = Line()
    async with line.kept_up():
        for _ in range(4):
            line.connection.loses("1012", restarting=True)
            attempts = len(line.server.asked_at)
            while len(line.server.asked_at) == attempts:
                await passes(0.01)
        assert [round(at, 1) for at in line.server.asked_at] == [0, 0.1, 0.2, 0.4, 0.6]


async def test_what_is_told_is_sent_pokes_first() -> None:
    line = Line()
    async with line.kept_up():
        line.link.tell(b"tick")
        line.link.poke(b"poke 1")
        line.link.poke(b"poke 2")
        await anyio.wait_all_tasks_blocked()
        assert line.connection.frames == [b"poke 1", b"poke 2", b"tick"]
        line.link.tell(b"tick 2")
        await anyio.wait_all_tasks_blocked()
    assert (line.link.sent, line.link.dropped) == (4, 0)


async def test_ticks_do_not_pile_up_behind_a_connection_that_takes_nothing() -> None:
    line = Line()
    async with line.kept_up():
        line.connection.is_full()
        for frame in (b"1", b"2", b"3"):
            line.link.tell(frame)
            await anyio.wait_all_tasks_blocked()
        line.connection.has_room()
        await anyio.wait_all_tasks_blocked()
        assert line.connection.frames == [b"1", b"3"]
    assert line.link.dropped == 1


async def test_no_tick_is_sent_while_a_question_is_unanswered() -> None:
    """A link that stood still would deliver them all in one second, and the autoscaler add them up."""
    line = Line()
    async with line.kept_up():
        line.link.tell(b"1")
        await anyio.wait_all_tasks_blocked()
        line.connection.is_answering = False
        line.link.tell(b"2")
        await anyio.wait_all_tasks_blocked()
        line.link.poke(b"poke")
        await anyio.wait_all_tasks_blocked()
        line.connection.is_answering = True
        line.link.tell(b"3")
        await anyio.wait_all_tasks_blocked()
        assert (line.connection.frames, line.connection.asked) == ([b"1", b"poke", b"3"], 2)
    assert line.link.dropped == 1


async def test_nothing_is_kept_for_a_link_that_is_down() -> None:
    line = Line(refusals=1)
    async with line.kept_up():
        line.link.tell(b"lost")
        line.link.poke(b"lost")
        await passes(1)
        line.connection.is_full()
        for frame in (b"under way", b"unsent"):
            line.link.tell(frame)
            await anyio.wait_all_tasks_blocked()
        line.link.poke(b"unsent")
        line.connection.loses()
        await passes(1)
        assert line.connection.frames == []
    assert line.link.dropped == 4
