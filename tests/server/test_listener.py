"""A port opens, closes in good order, and closes at once."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import TYPE_CHECKING, Any

import pytest

from gateway.server.limits import Limits
from gateway.server.listener import CannotListen, bind, operators_listener
from tests.doubles.eventually import eventually
from tests.server.raw_client import RawClient
from tests.server.small_apps import Held, Recorder, hello
from tests.server.traffic_port import traffic_port

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

pytestmark = pytest.mark.anyio

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_taken_port_is_one_clear_error() -> None:
    (taken,) = bind(["127.0.0.1"], 0)
    with taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=f"cannot listen on 127.0.0.1:{port}: .*in use") as failure:
            bind(["127.0.0.1"], port)
        assert (failure.value.host, failure.value.port) == ("127.0.0.1", port)


def test_an_address_that_is_not_ours_is_another() -> None:
    with pytest.raises(CannotListen, match=r"^cannot listen on 192\.0\.2\.1:0: "):
        bind(["192.0.2.1"], 0)


def test_an_ipv6_address_that_is_not_ours_is_told_in_brackets() -> None:
    with pytest.raises(CannotListen, match=r"^cannot listen on \[2001:db8::1\]:80: "):
        bind(["2001:db8::1"], 80)


@pytest.mark.parametrize(
    "hosts", [["127.0.0.1", "::1"], ["::"], ["::", "0.0.0.0"], ["::1", "0.0.0.0"]], ids=["list", "::", "both", "mixed"]
)
async def test_both_families_meet_one_listener_each_in_its_own_address(hosts: list[str]) -> None:
    app = Recorder()
    listener = operators_listener(bind(hosts, 0), app)
    await listener.start()
    assert len({port for _, port in listener.addresses}) == 1
    assert len(listener.addresses) == 2
    for address in ("127.0.0.1", "::1"):
        client = RawClient(*await asyncio.open_connection(address, listener.addresses[0][1]))
        await client.ask(GET)
        await client.close()
    assert [scope["client"][0] for scope in app.scopes] == ["127.0.0.1", "::1"]
    await listener.abandon()


async def test_where_there_is_no_ipv6_all_addresses_are_those_of_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    create_server = socket.create_server

    def without_ipv6(address: Any, *, family: int, backlog: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return create_server(address, family=family, backlog=backlog)

    monkeypatch.setattr("socket.create_server", without_ipv6)
    (only,) = bind(["::"], 0)
    with only:
        assert only.getsockname()[0] == "0.0.0.0"
    with pytest.raises(CannotListen, match=r"\[::1\]:80: Address family not supported"):
        bind(["::1"], 80)


def test_a_list_that_fails_leaves_nothing_open() -> None:
    (probe,) = bind(["127.0.0.1"], 0)
    port = probe.getsockname()[1]
    probe.close()
    with pytest.raises(CannotListen):
        bind(["127.0.0.1", "192.0.2.1"], port)
    (again,) = bind(["127.0.0.1"], port)
    again.close()


async def test_who_waits_to_be_accepted_when_it_closes_is_served() -> None:
    async with traffic_port(hello) as port:
        # The loop does not turn between the connect and the close: nobody has accepted yet.
        waiting = socket.create_connection(port.listener.addresses[0])
        waiting.sendall(GET)
        await port.listener.stop_listening()
        with pytest.raises(ConnectionRefusedError):
            await port.dial()
        client = RawClient(*await asyncio.open_connection(sock=waiting))
        port.clients.append(client)
        assert (await client.answer()).body == b"hello"


async def test_idle_connections_end_with_a_fin_and_busy_ones_with_their_answer() -> None:
    held = Held()
    async with traffic_port(held) as port:
        idle, busy = await port.dial(), await port.dial()
        held.go.set()
        await idle.ask(GET)
        held.go.clear()
        held.arrived.clear()
        await busy.send(GET)
        await held.arrived.wait()
        port.listener.end_idle()
        assert await idle.rest() == b""
        assert not port.listener.is_empty
        held.go.set()
        assert (await busy.answer()).fields["connection"] == "close"
        assert await busy.rest() == b""
        await port.listener.empty()


async def test_a_request_on_its_way_over_a_new_connection_is_still_served() -> None:
    async with traffic_port(hello) as port:
        new, partly, silent = [await port.dial() for _ in range(3)]
        await partly.send(GET[:10])
        await eventually(lambda: len(port.shared.connections) == 3)
        port.listener.end_idle()
        assert (await new.ask(GET)).fields["connection"] == "close"
        assert (await partly.ask(GET[10:])).fields["connection"] == "close"
        await silent.close()
        await port.listener.empty()


async def test_a_new_connection_that_says_nothing_is_not_waited_for() -> None:
    async with traffic_port(hello, Limits(settle_timeout=0.01)) as port:
        client = await port.dial()
        await eventually(lambda: port.shared.connections)
        port.listener.end_idle()
        assert await client.rest() == b""


async def test_abandoned_requests_end_at_once() -> None:
    ended = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": 200})
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(GET)
        await client.head()
        await port.listener.abandon()
        assert ended.is_set()
        assert port.listener.is_empty
        assert await client.rest() == b""


async def test_the_operators_port() -> None:
    listener = operators_listener(bind(["127.0.0.1"], 0), hello)
    await listener.start()
    client = RawClient(*await asyncio.open_connection(*listener.addresses[0]))
    assert (await client.ask(GET)).body == b"hello"
    await listener.stop_listening()
    listener.end_idle()
    assert await client.rest() == b""
    await listener.empty()
    await listener.abandon()
    await client.close()


async def test_the_operators_port_leaves_descriptors_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 256))
    listener = operators_listener(bind(["127.0.0.1"], 0), hello)
    await listener.start()
    clients = [RawClient(*await asyncio.open_connection(*listener.addresses[0])) for _ in range(25)]
    assert [(await client.ask(GET)).status for client in clients] == [200] * 24 + [503]
    await listener.abandon()
    for client in clients:
        await client.close()
