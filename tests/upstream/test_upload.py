from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from gateway.upstream.errors import WrongLength
from gateway.upstream.request import UpstreamRequest
from gateway.upstream.upload import PIECE, first_write, has_rest
from tests.doubles.scripted_server import ScriptedServer, Visit, once
from tests.upstream.asking import HELLO, HOST, many_turns, post, read_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.upstream.dialer import Dialer

pytestmark = pytest.mark.anyio


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def test_a_small_body_goes_along_with_the_head() -> None:
    request = post(b"hello")
    assert first_write(request).endswith(b"content-length: 5\r\n\r\nhello")
    assert not has_rest(request)


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 5 * PIECE, 5_000_000])
async def test_a_body_in_memory_arrives_whole(dialer: Dialer, size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    async with ScriptedServer(once(HELLO)) as server:
        assert (await read_all(await dialer.send(server.address, post(body))))[1] == b"hello"
        assert server.visits[0].requests[0].body == body


async def test_an_unknown_length_goes_in_chunks(dialer: Dialer) -> None:
    async with ScriptedServer(once(HELLO)) as server:
        await read_all(await dialer.send(server.address, post(pieces(b"hello", b"", b", world"))))
        (received,) = server.visits[0].requests
        assert received.body == b"5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n"


async def test_a_known_length_goes_as_it_is(dialer: Dialer) -> None:
    async with ScriptedServer(once(HELLO)) as server:
        await read_all(await dialer.send(server.address, post(pieces(b"hello", b"", b", world"), 12)))
        (received,) = server.visits[0].requests
        assert received.body == b"hello, world"


@pytest.mark.parametrize("length", [11, 13])
async def test_a_body_of_another_length_than_announced_breaks_the_connection(dialer: Dialer, length: int) -> None:
    seen = asyncio.get_running_loop().create_future()

    async def script(visit: Visit) -> None:
        await visit.head()
        seen.set_result(await visit.rest())

    async with ScriptedServer(script) as server:
        exchange = await dialer.send(server.address, post(pieces(b"hello", b", world"), length))
        with pytest.raises(WrongLength):
            await exchange.head()
        assert len(await seen) < length


async def test_it_is_sent_no_faster_than_it_is_taken(dialer: Dialer) -> None:
    piece, count, given = b"x" * PIECE, 1000, 0
    take = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        nonlocal given
        for given in range(1, count + 1):  # noqa: B007  (the test looks at it)
            yield piece

    async def script(visit: Visit) -> None:
        await take.wait()
        await visit.request()
        await visit.send(HELLO)

    async with ScriptedServer(script) as server:
        exchange = await dialer.send(server.address, post(body(), count * PIECE))
        await many_turns()
        assert given < count // 2
        take.set()
        assert (await read_all(exchange))[1] == b"hello"
        assert len(server.visits[0].requests[0].body) == count * PIECE


async def test_a_generator_is_closed_where_the_upload_stops(dialer: Dialer) -> None:
    closed = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * PIECE
        finally:
            closed.set()

    async def script(_: Visit) -> None:
        await asyncio.Event().wait()  # it never reads

    async with ScriptedServer(script) as server:
        request = post(body())
        exchange = await dialer.send(server.address, request)
        await many_turns()
        exchange.close()
        await closed.wait()
        assert request.body is not None  # so that it is not the garbage collector's work


async def test_a_repeatable_request_with_a_body_leaves_its_connection_for_the_next(dialer: Dialer) -> None:
    async def script(visit: Visit) -> None:
        for _ in range(2):
            await visit.request()
            await visit.send(HELLO)

    async with ScriptedServer(script) as server:
        for reused in (False, True):
            request = UpstreamRequest(b"PUT", b"/", [HOST], pieces(b"hello"), reusable=True)
            exchange = await dialer.send(server.address, request)
            await read_all(exchange)
            assert exchange.reused is reused
