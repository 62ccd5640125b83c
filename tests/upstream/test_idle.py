from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from gateway.upstream.dialer import Dialer
from tests.doubles.scripted_server import ScriptedServer, Visit, always
from tests.upstream.asking import HELLO, get, read_all

if TYPE_CHECKING:
    from gateway.upstream.exchange import Exchange

pytestmark = pytest.mark.anyio


async def two_at_once(dialer: Dialer, address: str) -> None:
    """Leaves two connections that could be kept."""
    first: Exchange = await dialer.send(address, get())
    second: Exchange = await dialer.send(address, get())
    await read_all(first)
    await read_all(second)


async def test_those_that_are_kept_are_used_again(dialer: Dialer) -> None:
    async with ScriptedServer(always(HELLO)) as server:
        await two_at_once(dialer, server.address)
        await two_at_once(dialer, server.address)
        assert [len(visit.requests) for visit in server.visits] == [2, 2]


async def test_no_more_are_kept_than_there_is_room_for() -> None:
    dialer = Dialer(max_idle=1)
    async with ScriptedServer(always(HELLO)) as server:
        await two_at_once(dialer, server.address)
        await two_at_once(dialer, server.address)
        assert [len(visit.requests) for visit in server.visits] == [2, 1, 1]
        await dialer.aclose()


async def test_one_that_has_ended_takes_no_room() -> None:
    dialer = Dialer(max_idle=1)
    ended, due = asyncio.Event(), asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.request()
        if visit is server.visits[0]:
            await visit.send(HELLO)
            visit.finish()
            await visit.rest()
            ended.set()
        else:
            await due.wait()
            await visit.send(HELLO)
            await visit.request()
            await visit.send(HELLO)

    async with ScriptedServer(script) as server:
        first, second = await dialer.send(server.address, get()), await dialer.send(server.address, get())
        await read_all(first)
        await ended.wait()
        due.set()
        await read_all(second)
        third = await dialer.send(server.address, get())
        await read_all(third)
        assert third.reused
        await dialer.aclose()


async def test_one_that_is_too_old_is_closed_by_itself() -> None:
    dialer = Dialer(idle_reuse=0.0)
    left = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(HELLO)
        await visit.rest()
        left.set()

    async with ScriptedServer(script) as server:
        await read_all(await dialer.send(server.address, get()))
        await left.wait()
        await dialer.aclose()


async def test_one_that_is_too_old_is_not_used_even_if_nobody_came_to_close_it() -> None:
    dialer = Dialer(idle_reuse=0.0)
    async with ScriptedServer(always(HELLO)) as server:
        for _ in range(2):
            exchange = await dialer.send(server.address, get())
            await read_all(exchange)
            assert not exchange.reused
        await dialer.aclose()
