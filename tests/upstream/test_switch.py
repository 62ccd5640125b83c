"""A 101 that was asked for: the connection is handed over, with every byte that came behind the head."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from gateway.upstream.errors import BadAnswer, CutShort
from gateway.upstream.request import UpstreamRequest
from tests.doubles.eventually import eventually
from tests.doubles.hearing import Hearing
from tests.doubles.scripted_server import ScriptedServer, Visit
from tests.upstream.asking import HELLO, HOST, many_turns, read_all

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.upstream.dialer import Dialer

pytestmark = pytest.mark.anyio

AGREED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def handshake() -> UpstreamRequest:
    return UpstreamRequest(b"GET", b"/ws", [HOST], upgrade=b"websocket")


def agreeing(then: Callable[[Visit], Awaitable[None]], behind: bytes = b"") -> Callable[[Visit], Awaitable[None]]:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(AGREED + behind)
        await then(visit)

    return script


async def leaving(visit: Visit) -> None:
    """At once."""


async def echoing(visit: Visit) -> None:
    """All it gets, at its end."""
    await visit.send(await visit.rest())


async def test_what_came_behind_the_head_is_handed_over_and_an_end_is_waited_for(dialer: Dialer) -> None:
    """A backend that accepts only to close again says all in one breath."""
    async with ScriptedServer(agreeing(leaving, b"hello and bye")) as server:
        exchange = await dialer.send(server.address, handshake())
        assert (await exchange.head()).status == 101
        await many_turns()
        assert not exchange.released
        hearing = Hearing()
        transport, behind = exchange.switch(hearing)
        assert (behind, hearing.heard_end) == (b"hello and bye", False)
        transport.resume_reading()
        await eventually(lambda: hearing.heard_end)
        assert not hearing.is_lost
        exchange.close()
        await eventually(lambda: hearing.is_lost)


@pytest.mark.parametrize("size", [5, 3 << 20])
async def test_half_closed_the_other_way_goes_on(dialer: Dialer, size: int) -> None:
    async with ScriptedServer(agreeing(echoing)) as server:
        exchange = await dialer.send(server.address, handshake())
        await exchange.head()
        hearing = Hearing()
        transport, _ = exchange.switch(hearing)
        transport.resume_reading()
        transport.write(bytes(size))
        transport.write_eof()
        await eventually(lambda: hearing.heard_end)
        assert hearing.heard == bytes(size)
        exchange.finish()
        exchange.close()  # as its reader does, in a `finally`
        await eventually(lambda: hearing.is_lost)


async def test_what_is_unsent_when_it_is_finished_still_goes_out(dialer: Dialer) -> None:
    received: list[bytes] = []
    goes_on = asyncio.Event()

    async def slow(visit: Visit) -> None:
        await goes_on.wait()
        received.append(await visit.rest())

    async with ScriptedServer(agreeing(slow)) as server:
        exchange = await dialer.send(server.address, handshake())
        await exchange.head()
        hearing = Hearing()
        transport, _ = exchange.switch(hearing)
        transport.write(bytes(16 << 20))
        await many_turns()
        assert hearing.is_full
        exchange.finish()
        exchange.close()
        goes_on.set()
        await eventually(lambda: bool(received))
        assert len(received[0]) == 16 << 20


async def test_a_backend_that_breaks_it_is_heard(dialer: Dialer) -> None:
    async def breaking(visit: Visit) -> None:
        visit.reset()

    async with ScriptedServer(agreeing(breaking)) as server:
        exchange = await dialer.send(server.address, handshake())
        await exchange.head()
        hearing = Hearing()
        transport, _ = exchange.switch(hearing)
        transport.resume_reading()
        await eventually(lambda: hearing.is_lost)
        assert not hearing.heard_end
        exchange.close()


async def test_a_connection_that_is_gone_cannot_be_handed_over(dialer: Dialer) -> None:
    async with ScriptedServer(agreeing(echoing)) as server:
        exchange = await dialer.send(server.address, handshake())
        await exchange.head()
        exchange.close()
        with pytest.raises(CutShort):
            exchange.switch(Hearing())


async def test_a_tunnel_goes_on_when_its_backend_is_forgotten(dialer: Dialer) -> None:
    async with ScriptedServer(agreeing(echoing)) as server:
        exchange = await dialer.send(server.address, handshake())
        await exchange.head()
        hearing = Hearing()
        exchange.switch(hearing)
        dialer.forget(server.address)
        await many_turns()
        assert not hearing.is_lost
        exchange.close()


async def test_another_status_is_an_answer(dialer: Dialer) -> None:
    async def refusing(visit: Visit) -> None:
        await visit.request()
        await visit.send(HELLO)

    async with ScriptedServer(refusing) as server:
        exchange = await dialer.send(server.address, handshake())
        head, body = await read_all(exchange)
        assert (head.status, body) == (200, b"hello")
        exchange.close()
        (visit,) = server.visits
        assert b"connection: Upgrade" in visit.requests[0].lines
        assert b"upgrade: websocket" in visit.requests[0].lines


@pytest.mark.parametrize(
    "head",
    [
        AGREED.replace(b"websocket", b"h2c"),
        AGREED.replace(b"Upgrade: websocket\r\n", b""),
        AGREED.replace(b"Connection: Upgrade\r\n", b""),
        AGREED.replace(b"Connection: Upgrade", b"Connection: close"),
        AGREED.replace(b"Upgrade: websocket", b"Upgrade: websocket\r\nUpgrade: websocket"),
    ],
)
async def test_a_101_to_something_else_is_a_bad_answer(dialer: Dialer, head: bytes) -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(head)
        await visit.rest()

    async with ScriptedServer(script) as server:
        exchange = await dialer.send(server.address, handshake())
        with pytest.raises(BadAnswer):
            await exchange.head()
