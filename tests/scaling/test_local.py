"""The scaler's loop, on a clock that jumps from one event to the next."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import trio.testing
from structlog.testing import capture_logs

from gateway.core.scaling.concurrency import TimeWeighted
from gateway.core.scaling.local import Autoscaling, LocalEvaluation
from gateway.scaling.local import LocalScaler
from tests.doubles.recording_target import RecordingTarget

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


class Line:
    """Requests in line, and the scaler that is poked for each."""

    def __init__(self, ceilings: dict[str, int] | None = None) -> None:
        self.began = anyio.current_time()
        self.target = RecordingTarget(self.clock)
        self.load = TimeWeighted()
        self.waiting = 0
        self.scaler = LocalScaler(
            "sd",
            LocalEvaluation(self.load, Autoscaling(), 1, ceilings or {}),
            self.target,
            clock=self.clock,
            waiting=lambda: self.waiting,
            ready=lambda: self.target.pods,
        )

    def clock(self) -> float:
        """Seconds since the beginning, so that a test can write them down."""
        return anyio.current_time() - self.began

    def join(self, count: int = 1) -> None:
        """Arrivals, one after the other at one moment."""
        for _ in range(count):
            self.waiting += 1
            self.load.set(self.clock(), self.waiting)
            self.scaler.poke()

    def told(self) -> list[tuple[float, int]]:
        """When the target was told what, in tenths of a second; taken."""
        told = [(round(at, 1), desired) for at, desired in self.target.told]
        self.target.told.clear()
        return told

    @asynccontextmanager
    async def scaled(self) -> AsyncIterator[None]:
        """While the scaler runs."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.scaler.run)
            yield
            tasks.cancel_scope.cancel()


async def test_it_evaluates_every_two_seconds() -> None:
    line = Line()
    assert line.scaler.view() is None
    async with line.scaled():
        await anyio.sleep(5)
    assert line.told() == [(0.0, 0), (2.0, 0), (4.0, 0)]


async def test_a_poke_is_answered_at_once_and_then_every_100_ms_until_enough_are_desired() -> None:
    line = Line()
    async with line.scaled():
        await anyio.sleep(1.5)
        line.join()
        await anyio.sleep(0.01)
        line.join(4)
        await anyio.sleep(2.5)
    assert line.told() == [(0.0, 0), (1.5, 1), (1.6, 5), (3.6, 5)]


async def test_pokes_in_a_burst_do_not_hurry_it_beyond_100_ms() -> None:
    line = Line()
    async with line.scaled():
        await anyio.sleep(0.05)
        for _ in range(50):
            line.join()
            await anyio.sleep(0.001)
        await anyio.sleep(0.9)
    times = [at for at, _ in line.told()]
    assert times == [0.0, 0.1], "and from there on the 10 pods that are allowed are desired"


async def test_a_poke_before_it_runs_is_not_lost() -> None:
    line = Line()
    line.join(3)
    async with line.scaled():
        await anyio.sleep(0.05)
    assert line.told() == [(0.0, 3)]


async def test_it_tells_why_and_logs_changes_only() -> None:
    line = Line(ceilings={"gpus": 2})
    with capture_logs() as logs:
        async with line.scaled():
            line.join(3)
            await anyio.sleep(5)
    assert [(log["event"], log["pool"], log["was"], log["desired"], log["bound"]) for log in logs] == [
        ("scale_changed", "sd", 0, 2, "gpus")
    ]
    view = line.scaler.view()
    assert view is not None
    assert (view.desired, view.decision.stable, view.decision.in_panic) == (2, 3.0, True)


async def test_what_was_wanted_is_wanted_again_at_once() -> None:
    line = Line()
    async with line.scaled():
        line.scaler.reapply()  # nothing was wanted yet
        await anyio.sleep(1)
        line.join()
        await anyio.sleep(0.5)
        line.scaler.reapply()
    assert line.told() == [(0.0, 0), (1.0, 1), (1.5, 1)]


async def test_other_settings_hold_from_the_next_evaluation_on() -> None:
    line = Line()
    async with line.scaled():
        line.join(3)
        await anyio.sleep(1)
        line.scaler.reconfigure(Autoscaling(max_scale=1), limit=1, ceilings={})
        await anyio.sleep(1.5)
    assert line.told() == [(0.0, 3), (2.0, 1)]
