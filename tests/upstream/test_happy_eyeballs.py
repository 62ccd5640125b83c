"""A name of several addresses: the first that answers gets the connection."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from gateway.upstream.dialer import Dialer
from gateway.upstream.errors import NotSent
from gateway.upstream.happy_eyeballs import connect, is_literal, resolve
from tests.doubles.scripted_server import ScriptedServer, always
from tests.upstream.asking import HELLO, post, read_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.upstream.happy_eyeballs import Address

pytestmark = pytest.mark.anyio


@pytest.fixture
def black_hole() -> Iterator[Address]:
    """An IPv6 address that lets no connection come about and says nothing: its backlog is full."""
    with ExitStack() as stack:
        try:
            server = socket.create_server(("::1", 0), family=socket.AF_INET6, backlog=0)
        except OSError:
            pytest.skip("no IPv6 here")
        listener = stack.enter_context(closing(server))
        for _ in range(4):
            filler = stack.enter_context(closing(socket.socket(socket.AF_INET6)))
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield socket.AF_INET6, listener.getsockname()


def v4(port: int) -> Address:
    return socket.AF_INET, ("127.0.0.1", port)


@pytest.fixture
def refusing() -> Address:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return v4(listener.getsockname()[1])


async def test_a_family_that_leads_nowhere_does_not_keep_a_request_from_the_other(black_hole: Address) -> None:
    async with ScriptedServer(always(HELLO)) as server:

        async def both(host: str, port: int) -> list[Address]:
            assert (host, port) == ("sd.example", 7860)
            return [black_hole, v4(int(server.address.rpartition(":")[2]))]

        dialer = Dialer(connect_timeout=5.0, resolve=both)
        exchange = await dialer.send("sd.example:7860", post(b"1"))
        assert (await read_all(exchange))[1] == b"hello"
        await dialer.aclose()


async def test_a_name_that_leads_nowhere_is_told(black_hole: Address) -> None:
    async def nowhere(host: str, port: int) -> list[Address]:
        return [black_hole]

    dialer = Dialer(connect_timeout=0.05, resolve=nowhere)
    with pytest.raises(NotSent, match=r"sd\.example:7860: no connection within 0\.05 s"):
        await dialer.send("sd.example:7860", post(b"1"))
    await dialer.aclose()


async def test_the_next_is_tried_as_soon_as_one_refuses(refusing: Address) -> None:
    async with ScriptedServer(always(HELLO)) as server:
        port = int(server.address.rpartition(":")[2])
        with closing(await connect([refusing, v4(port)])) as sock:
            assert sock.getpeername() == ("127.0.0.1", port)


async def test_the_families_take_turns(black_hole: Address) -> None:
    async with ScriptedServer(always(HELLO)) as server:
        port = int(server.address.rpartition(":")[2])
        with closing(await connect([*[black_hole] * 50, v4(port)])) as sock:  # 50 quarters of a second else
            assert sock.family == socket.AF_INET


async def test_where_all_refuse_it_is_that(refusing: Address) -> None:
    with pytest.raises(ConnectionRefusedError):
        await connect([refusing, refusing])


async def test_it_may_be_given_up(black_hole: Address) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await connect([black_hole])


async def test_a_name_is_looked_up() -> None:
    assert v4(80) in await resolve("localhost", 80)


@pytest.mark.parametrize(
    ("host", "is_one"),
    [("127.0.0.1", True), ("fd00::1", True), ("fe80::1%eth0", False), ("gpu-1", False), ("10.1", False)],
)
def test_what_need_not_be_looked_up(host: str, is_one: bool) -> None:
    assert is_literal(host) is is_one


async def test_small_writes_are_not_held_back() -> None:
    async with ScriptedServer(always(HELLO)) as server:
        port = int(server.address.rpartition(":")[2])
        transport, _ = await asyncio.get_running_loop().create_connection(
            asyncio.Protocol, sock=await connect([v4(port)])
        )
        assert transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        transport.close()
