"""The autoscaler's stand-in takes what Knative's takes, and nothing else, over real sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from gateway.demo.knative.autoscaler import AutoscalerStandIn
from gateway.demo.knative.wire import Statistics, StatMessage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio

FRAME = bytes.fromhex("0a2d0a0764656661756c74120873642d30303030311a180a0467772d3011000000000000f03f21000000000000f03f")
STAT = StatMessage("default", "sd-00001", Statistics("gw-0", 1, request_count=1))


@pytest.fixture
async def heard() -> list[StatMessage]:
    return []


@pytest.fixture
async def autoscaler(heard: list[StatMessage]) -> AsyncIterator[AutoscalerStandIn]:
    with anyio.fail_after(20):
        async with AutoscalerStandIn(heard.append).listening() as autoscaler:
            yield autoscaler


async def test_it_hears_binary_frames_and_survives_others(
    autoscaler: AutoscalerStandIn, heard: list[StatMessage]
) -> None:
    async with connect(autoscaler.url, proxy=None) as client:
        for frame in ("text", b"\xff", b"\x0a\x03\x0a\x01n", FRAME):
            await client.send(frame)
        await autoscaler.until(lambda: heard)
    assert heard == [message for _, message in autoscaler.received] == [STAT]
    assert (autoscaler.unreadable, autoscaler.connections) == (2, 1)


async def test_a_page_of_another_host_is_refused(autoscaler: AutoscalerStandIn) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        await connect(autoscaler.url, proxy=None, origin=Origin("https://elsewhere.example"))
    async with connect(autoscaler.url, proxy=None, origin=Origin(autoscaler.url.replace("ws", "http"))):
        assert autoscaler.refused == 1


async def test_kubelet_is_told_that_it_lives(autoscaler: AutoscalerStandIn) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(autoscaler.url.replace("ws", "http"), headers={"User-Agent": "kube-probe/1.30"})
    assert answer.status_code == 200


async def test_it_says_that_it_restarts_and_comes_back_at_the_same_place(autoscaler: AutoscalerStandIn) -> None:
    async with connect(autoscaler.url, proxy=None) as client:
        await autoscaler.stop()
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1012, "Restarting")
    await autoscaler.start()
    async with connect(autoscaler.url, proxy=None) as client:
        await client.send(FRAME)
        await autoscaler.until(lambda: autoscaler.received)


async def test_a_client_that_breaks_off_is_no_trouble(autoscaler: AutoscalerStandIn) -> None:
    client = await connect(autoscaler.url, proxy=None)
    await autoscaler.until(lambda: autoscaler.connections == 1)
    client.transport.abort()
    await client.wait_closed()
    async with connect(autoscaler.url, proxy=None) as other:
        await other.send(FRAME)
        await autoscaler.until(lambda: autoscaler.received)
