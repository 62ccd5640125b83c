"""How often a page is told its place. Time is virtual."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from websockets.protocol import Side

from gateway.core.policy import Policy
from gateway.core.pool import Pool
from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import Listed
from gateway.dialogues.websocket import WebSocketEnd
from gateway.proxy.gradio_page.position_updates import SOONEST, TELL_AGAIN, PositionUpdates
from gateway.runtime.driver import Driver
from tests.doubles.tunnel_end import TunnelEnd
from tests.doubles.virtual_time import virtual_time_of_asyncio
from tests.doubles.websocket_peer import WebSocketPeer

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


def page() -> tuple[WebSocketEnd, WebSocketPeer]:
    end, connection = WebSocketEnd(Side.SERVER), TunnelEnd()
    end.open(*connection.join(end))
    return end, WebSocketPeer(connection, Side.CLIENT)


def places(peer: WebSocketPeer) -> list[tuple[int, int]]:
    return [(told["rank"], told["queue_size"]) for told in peer.hears()]


async def test_at_once_when_it_has_moved_and_now_and_then() -> None:
    driver = Driver(Pool("sd", Policy(), anyio.current_time()), anyio.current_time)
    driver.replace_backends([Listed("gpu-1", "gpu-1:1", "gpu-1", ready=True)])
    end, peer = page()
    with (
        driver.slot(Ticket(Lane.COUNTED)) as working,
        driver.slot(Ticket(Lane.COUNTED)) as ahead,
        driver.slot(Ticket(Lane.COUNTED)) as slot,
    ):
        with PositionUpdates(end, driver.pool, slot):
            assert places(peer) == [(1, 2)]
            await anyio.sleep(TELL_AGAIN - 1)
            assert places(peer) == []
            await anyio.sleep(2)
            assert places(peer) == [(1, 2)]
            working.done(Ending.SERVED)
            await anyio.sleep(2 * SOONEST)
            assert places(peer) == [(0, 1)]
            ahead.done(Ending.SERVED)  # it is its turn
            await anyio.sleep(TELL_AGAIN * 2)
        assert places(peer) == []


async def test_no_more_when_it_does_not_wait_any_more() -> None:
    driver = Driver(Pool("sd", Policy(), anyio.current_time()), anyio.current_time)
    end, peer = page()
    with driver.slot(Ticket(Lane.EXEMPT)) as slot:  # it waits for a first backend
        with PositionUpdates(end, driver.pool, slot):
            assert places(peer) == [(0, 1)]
        await anyio.sleep(2 * TELL_AGAIN)
        assert places(peer) == []
