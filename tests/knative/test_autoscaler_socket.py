"""The reporter and its link against the autoscaler's stand-in, over real sockets."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import anyio
import pytest
from websockets.asyncio.server import serve

from gateway.core.scaling.report import Accounting, RevisionReport
from gateway.demo.knative.autoscaler import AutoscalerStandIn
from gateway.demo.knative.wire import Statistics, StatMessage
from gateway.knative.autoscaler_socket import autoscaler_socket
from gateway.knative.link import AutoscalerLink, LinkLost
from gateway.knative.stat_reporter import Revision, StatReporter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request

pytestmark = pytest.mark.anyio

ZERO = StatMessage("default", "sd-00001", Statistics("gw-0"))


class Reporting:
    """One cold revision, reported to whoever listens at the url."""

    def __init__(self, url: str) -> None:
        self.link = AutoscalerLink(
            partial(autoscaler_socket, url), clock=time.monotonic, chance=lambda: 0.0, on_change=self._changed
        )
        self.reporter = StatReporter(self.link, "gw-0", clock=time.monotonic, wall_clock=time.time)
        self.report = RevisionReport(Accounting.PROXIED)
        self.reporter.add("sd", Revision("default", "sd-00001", self.report, lambda: True))
        self.ups = 0
        self._change = anyio.Event()

    def here(self, waiting: int) -> None:
        self.report.set(time.monotonic(), waiting=waiting, working=0, arrivals=waiting)
        self.reporter.poke("sd")

    def another_is_busy(self) -> None:
        """Another revision, whose ticks tell that seconds have passed."""
        report = RevisionReport(Accounting.PROXIED)
        self.reporter.add("flux", Revision("default", "flux-00012", report, lambda: False))
        report.set(time.monotonic(), waiting=1, working=0, arrivals=1)

    async def is_up(self, times: int = 1) -> None:
        """The link has been up so often, and is."""
        while self.ups < times:
            await self._change.wait()

    def _changed(self, up: bool) -> None:
        self.ups += up
        self._change.set()
        self._change = anyio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.link.run)
            tasks.start_soon(self.reporter.run)
            yield
            tasks.cancel_scope.cancel()


@pytest.fixture
async def autoscaler() -> AsyncIterator[AutoscalerStandIn]:
    with anyio.fail_after(30):
        async with AutoscalerStandIn().listening() as autoscaler:
            yield autoscaler


def told(autoscaler: AutoscalerStandIn) -> list[StatMessage]:
    return [message for _, message in autoscaler.received]


async def test_a_poke_is_heard_then_ticks_then_nothing_once_and_then_silence(autoscaler: AutoscalerStandIn) -> None:
    reporting = Reporting(autoscaler.url)
    async with reporting.running():
        await reporting.is_up()
        reporting.here(1)
        await autoscaler.until(lambda: autoscaler.received)
        assert told(autoscaler) == [StatMessage("default", "sd-00001", Statistics("gw-0", 1, request_count=1))]
        await autoscaler.until(lambda: len(autoscaler.received) > 2)
        reporting.here(0)
        await autoscaler.until(lambda: told(autoscaler)[-1] == ZERO)
        autoscaler.received.clear()
        reporting.another_is_busy()
        await autoscaler.until(lambda: len(autoscaler.received) == 2)
        assert [message.name for message in told(autoscaler)] == ["flux-00012"] * 2
    assert autoscaler.unreadable == 0


async def test_a_restart_is_survived(autoscaler: AutoscalerStandIn) -> None:
    reporting = Reporting(autoscaler.url)
    async with reporting.running():
        await reporting.is_up()
        reporting.here(2)
        await autoscaler.until(lambda: len(autoscaler.received) >= 2)
        await autoscaler.stop()
        autoscaler.received.clear()
        await autoscaler.start()
        await reporting.is_up(times=2)
        await autoscaler.until(lambda: autoscaler.received)
        assert told(autoscaler)[0] == StatMessage("default", "sd-00001", Statistics("gw-0", 2))
    assert reporting.link.losses == 1
    assert autoscaler.connections == 2


async def test_an_autoscaler_that_comes_late_is_found() -> None:
    autoscaler = AutoscalerStandIn()
    with anyio.fail_after(30):
        async with autoscaler.listening():
            await autoscaler.stop()
            reporting = Reporting(autoscaler.url)
            async with reporting.running():
                with pytest.raises(LinkLost, match=str(autoscaler.url)):
                    async with autoscaler_socket(autoscaler.url):
                        raise AssertionError
                await autoscaler.start()
                await reporting.is_up()


async def test_close_code_1012_means_come_back_and_no_other_does(autoscaler: AutoscalerStandIn) -> None:
    async with autoscaler_socket(autoscaler.url) as socket:
        await autoscaler.stop()
        with pytest.raises(LinkLost) as lost:
            await socket.lost()
        assert lost.value.restarting
        with pytest.raises(LinkLost):
            await socket.send(b"too late")
    async with closing_with(1001) as url, autoscaler_socket(url) as socket:
        with pytest.raises(LinkLost) as lost:
            await socket.lost()
        assert not lost.value.restarting


async def test_the_handshake_has_no_origin_and_offers_no_compression() -> None:
    seen: list[Request] = []

    async def keep(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request)

    async with (
        serve(keep, "127.0.0.1", 0) as server,
        autoscaler_socket(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}") as socket,
    ):
        with pytest.raises(LinkLost):
            await socket.lost()
    (request,) = seen
    assert "Origin" not in request.headers
    assert "Sec-WebSocket-Extensions" not in request.headers


async def test_what_is_no_websocket_is_no_link(autoscaler: AutoscalerStandIn) -> None:
    with pytest.raises(LinkLost, match="nonsense"):
        async with autoscaler_socket("nonsense://127.0.0.1"):
            raise AssertionError


@asynccontextmanager
async def closing_with(code: int) -> AsyncIterator[str]:
    """A server that closes each connection at once."""

    async def close(connection: ServerConnection) -> None:
        await connection.close(code)

    async with serve(close, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
