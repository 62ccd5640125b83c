from __future__ import annotations

import asyncio
import socket
from contextlib import closing

import pytest

from gateway.upstream.connection import Connection
from gateway.upstream.dialer import Dialer
from tests.doubles.scripted_server import ScriptedServer, Visit, always
from tests.upstream.asking import HELLO, get, read_all

pytestmark = pytest.mark.anyio


class Ledger:
    """An owner that notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.heard_of_its_end = asyncio.Event()

    def opened(self, connection: Connection) -> None:
        self.heard.append("opened")

    def free(self, connection: Connection) -> None:
        self.heard.append("free")

    def lost(self, connection: Connection) -> None:
        self.heard.append("lost")
        self.heard_of_its_end.set()


async def connect(address: str, owner: Ledger) -> Connection:
    host, port = address.split(":")
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(address, owner), host, int(port))
    return connection


async def test_small_writes_go_at_once_and_no_keepalive_probes_are_sent() -> None:
    async with ScriptedServer(always(HELLO)) as server:
        host, port = server.address.split(":")
        loop = asyncio.get_running_loop()
        transport, connection = await loop.create_connection(
            lambda: Connection(server.address, Ledger()), host, int(port)
        )
        ours = transport.get_extra_info("socket")
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert not ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        connection.close()


async def test_its_owner_hears_of_its_beginning_and_its_end() -> None:
    owner = Ledger()
    async with ScriptedServer(always(HELLO)) as server:
        connection = await connect(server.address, owner)
        assert connection.is_quiet()
        connection.close()
        assert not connection.is_quiet()
        await owner.heard_of_its_end.wait()
    assert owner.heard == ["opened", "lost"]


class Silent:
    """An exchange that takes note of nothing."""

    def received(self, data: bytes) -> None: ...
    def connection_ended(self, how: str, *, orderly: bool) -> None: ...


@pytest.mark.parametrize("ending", ["let go", "the backend's end"])
async def test_with_bytes_still_to_be_sent_it_is_broken(ending: str) -> None:
    owner, finish = Ledger(), asyncio.Event()

    async def script(visit: Visit) -> None:
        await finish.wait()
        visit.finish()
        await asyncio.Event().wait()  # it never reads

    async with ScriptedServer(script) as server:
        connection = await connect(server.address, owner)
        connection.carry(Silent(), bytes(30_000_000))
        if ending == "let go":
            connection.release(clean=True)
        finish.set()
        await owner.heard_of_its_end.wait()
    assert owner.heard == ["opened", "lost"]


@pytest.mark.parametrize("parting", [b"", b"!", HELLO], ids=["its end", "a byte", "a whole answer"])
async def test_an_idle_connection_goes_at_the_first_thing_that_comes(parting: bytes) -> None:
    dialer = Dialer(idle_reuse=1000)
    go_on, gone = asyncio.Event(), asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(HELLO)
        if visit is server.visits[0]:
            await go_on.wait()
            if parting:
                await visit.send(parting)
            else:
                visit.finish()
            await visit.rest()  # until the client has left
            gone.set()

    async with ScriptedServer(script) as server:
        await read_all(await dialer.send(server.address, get()))
        go_on.set()
        await gone.wait()
        again = await dialer.send(server.address, get())
        assert (await read_all(again))[1] == b"hello"
        assert not again.reused
        await dialer.aclose()


@pytest.mark.parametrize("parting", [b"", b"!"], ids=["its end", "a byte"])
async def test_the_kernel_is_asked_before_the_write(dialer: Dialer, parting: bytes) -> None:
    """The loop has not turned since the backend's parting, so that only the socket itself can tell of it."""
    loop = asyncio.get_running_loop()
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.setblocking(False)
        address = f"127.0.0.1:{listener.getsockname()[1]}"

        async def serve_one() -> socket.socket:
            peer, _ = await loop.sock_accept(listener)
            await loop.sock_recv(peer, 65536)
            await loop.sock_sendall(peer, HELLO)
            return peer

        first = asyncio.create_task(serve_one())
        await read_all(await dialer.send(address, get()))
        with await first as peer:
            second = asyncio.create_task(serve_one())
            if parting:
                peer.send(parting)
            else:
                peer.shutdown(socket.SHUT_WR)
            again = await dialer.send(address, get())
            await read_all(again)
            assert not again.reused
        (await second).close()


async def test_a_socket_that_was_joined_with_itself_is_known() -> None:
    with socket.socket() as alone:
        alone.bind(("127.0.0.1", 0))
        alone.connect(alone.getsockname())  # what a dial meets by chance when nobody listens
        alone.setblocking(False)
        ledger = Ledger()
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: Connection("127.0.0.1:1", ledger), sock=alone)
        assert connection.reached_itself()
        connection.close()
        await ledger.heard_of_its_end.wait()

    async with ScriptedServer(always(HELLO)) as server:
        ledger = Ledger()
        connection = await connect(server.address, ledger)
        assert not connection.reached_itself()
        connection.close()
        await ledger.heard_of_its_end.wait()
