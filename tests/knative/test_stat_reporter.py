"""What the autoscaler is told, and when, in virtual time: the frames are read as the stand-in reads them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from gateway.core.scaling.report import Accounting, RevisionReport
from gateway.demo.knative.wire import decode
from gateway.knative.stat_reporter import Revision, StatReporter
from tests.doubles.virtual_time import virtual_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio

Told = tuple[float, str, float, float]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time()


class RecordingLink:
    """Keeps what it is told, and when."""

    def __init__(self) -> None:
        self.down_since: float | None = None
        self.frames: list[tuple[float, bytes]] = []

    @property
    def is_up(self) -> bool:
        return self.down_since is None

    def tell(self, frame: bytes) -> None:
        self.frames.append((anyio.current_time(), frame))

    poke = tell


class Town:
    """A reporter with its revisions. Its wall clock is `skew` seconds ahead of the other."""

    def __init__(self, skew: float = 0.0) -> None:
        self.link = RecordingLink()
        self.cold = True
        self.skew = skew
        self.reporter = StatReporter(
            self.link, "gw-0", clock=anyio.current_time, wall_clock=lambda: anyio.current_time() + self.skew
        )

    def revision(self, name: str = "sd-00001", accounting: Accounting = Accounting.PROXIED, window: float = 60) -> None:
        report = RevisionReport(accounting)
        self.reporter.add(name, Revision("default", name, report, lambda: self.cold, window))
        self.reports = {**getattr(self, "reports", {}), name: report}

    def here(self, count: int, name: str = "sd-00001") -> None:
        """So many requests are in line, all of them new."""
        now = anyio.current_time()
        for waiting in range(1, count + 1):
            self.reports[name].set(now, waiting=waiting, working=0, arrivals=waiting)
            self.reporter.poke(name)
        if not count:
            self.reports[name].set(now, waiting=0, working=0, arrivals=0)

    def told(self) -> list[Told]:
        """When, of whom, average and arrivals."""
        told: list[Told] = []
        for at, frame in self.link.frames:
            for message in decode(frame):
                assert message.stat is not None
                assert message.namespace == "default"
                assert (message.stat.pod_name, message.stat.timestamp) == ("gw-0", 0)
                assert message.stat.average_proxied_concurrent_requests == message.stat.proxied_request_count == 0
                average = round(message.stat.average_concurrent_requests, 3)
                told.append((round(at, 3), message.name, average, message.stat.request_count))
        return told

    @asynccontextmanager
    async def reported(self) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.reporter.run)
            yield
            tasks.cancel_scope.cancel()


async def test_nothing_is_sent_while_nothing_is_there() -> None:
    town = Town()
    town.revision()
    async with town.reported():
        await anyio.sleep(10)
    assert town.link.frames == []
    assert town.reporter.reported() == {"sd-00001": 0}


async def test_a_poke_at_once_then_each_second_and_after_the_last_nothing() -> None:
    town = Town()
    town.revision()
    async with town.reported():
        await anyio.sleep(0.2)
        town.here(3)
        await anyio.sleep(1.8)
        assert town.reporter.reported() == {"sd-00001": 3}
        town.here(0)
        await anyio.sleep(8)
    assert town.told() == [
        (0.2, "sd-00001", 1, 1),
        (0.5, "sd-00001", 2, 2),
        (1.5, "sd-00001", 3, 0),
        (2.5, "sd-00001", 1.5, 0),
        (3.5, "sd-00001", 0, 0),
    ]


async def test_a_poke_that_cannot_be_sent_is_not_taken_off() -> None:
    town = Town()
    town.revision()
    town.link.down_since = 0
    async with town.reported():
        town.here(2)
        assert town.link.frames == []
        await anyio.sleep(1)
    assert town.told() == [(0.5, "sd-00001", 2, 2)]


async def test_all_revisions_share_a_frame_and_one_that_left_is_reported_no_more() -> None:
    town = Town()
    town.revision("sd-00001")
    town.revision("flux-00012")
    async with town.reported():
        town.here(1, "sd-00001")
        town.here(2, "flux-00012")
        await anyio.sleep(0.1)
        town.link.frames.clear()  # the pokes
        await anyio.sleep(0.9)
        town.reporter.remove("sd-00001")
        town.reporter.poke("sd-00001")
        await anyio.sleep(1)
    assert len(town.link.frames) == 2
    assert [name for _, name, _, _ in town.told()] == ["sd-00001", "flux-00012", "flux-00012"]


async def test_it_speaks_at_half_past_by_the_wall_clock_even_if_that_is_set() -> None:
    town = Town(skew=0.3)
    town.revision()
    async with town.reported():
        town.here(1)
        town.link.frames.clear()  # the poke
        await anyio.sleep(3)
        town.skew = -3600.1
        await anyio.sleep(3)
    assert [at for at, *_ in town.told()] == [1.2, 2.2, 3.2, 3.6, 4.6, 5.6]


async def test_a_pool_that_nobody_else_reports_is_degraded_when_the_link_is_down_for_half_a_window() -> None:
    town = Town()
    town.revision("proxied", window=60)
    town.revision("patient", window=600)
    town.revision("waiting", Accounting.WAITING)
    assert town.reporter.degraded() == []
    town.link.down_since = 0
    await anyio.sleep(30)
    assert town.reporter.degraded() == []
    await anyio.sleep(1)
    assert town.reporter.degraded() == ["proxied"]
    town.link.down_since = None
    assert town.reporter.degraded() == []


async def test_a_request_that_gets_a_turn_at_once_is_told_at_once_too() -> None:
    """It came to an idle pod a moment before the autoscaler went to zero, which heard of it too late."""
    town = Town()
    town.cold = False
    town.revision()
    town.here(1)
    assert town.told() == [(0, "sd-00001", 1, 1)]
    town.here(2)
    assert len(town.told()) == 1, "the autoscaler knows that somebody is here"


async def test_what_pods_report_themselves_is_told_at_once_only_where_no_pod_is_ready() -> None:
    town = Town()
    town.cold = False
    town.revision(accounting=Accounting.WAITING)
    town.here(1)
    assert town.told() == []


async def test_a_poke_is_taken_off_the_tick_of_its_own_second_alone() -> None:
    """The autoscaler adds up what it hears in one second, and in another one nothing of the poke is left."""
    town = Town()
    town.revision()
    async with town.reported():
        await anyio.sleep(0.7)  # the tick at 1.5 is in the next second
        town.here(3)
        await anyio.sleep(1)
    assert town.told() == [(0.7, "sd-00001", 1, 1), (1.5, "sd-00001", 3, 3)]
