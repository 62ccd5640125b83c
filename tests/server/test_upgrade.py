"""A connection that becomes a tunnel's: on real sockets, from the client's side."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from gateway.server.limits import Limits, Linger
from tests.doubles.eventually import eventually
from tests.doubles.hearing import Hearing
from tests.server.small_apps import respond
from tests.server.traffic_port import traffic_port

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

pytestmark = pytest.mark.anyio

HANDSHAKE = b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


class Switching(Hearing):
    """An application that says 101 and keeps what it hears; `reads`: from the beginning."""

    def __init__(self, *, reads: bool = True) -> None:
        super().__init__()
        self.gone_told = False
        self.client: Any = None
        self.transport: Any = None
        self.over = asyncio.Event()
        self._reads = reads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.client = scope["extensions"]["gateway.client"]
        self.client.on_gone(self._gone)
        self.transport, self.heard = self.client.upgrade([(b"x-request-id", b"4a"), (b"content-length", b"9")], self)
        if self._reads:
            self.transport.resume_reading()
        await self.over.wait()

    def _gone(self) -> None:
        self.gone_told = True


async def test_bytes_pass_both_ways_those_sent_too_early_first() -> None:
    app = Switching()
    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(HANDSHAKE + b"early, ")
        head = await client.head()
        assert head.status == 101
        assert (head.fields["connection"], head.fields["upgrade"]) == ("upgrade", "websocket")
        assert head.fields["x-request-id"] == "4a"
        assert "content-length" not in head.fields
        assert app.heard == b"early, "
        await client.send(b"GET / HTTP/1.1\r\n\r\n")
        await eventually(lambda: app.heard == b"early, GET / HTTP/1.1\r\n\r\n")
        app.transport.write(b"hello")
        assert await client.read_exactly(5) == b"hello"
        app.client.cut()
        app.over.set()


async def test_nothing_is_read_before_the_tunnel_says_so() -> None:
    app = Switching(reads=False)
    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(HANDSHAKE)
        await client.head()
        await client.send(b"late")
        assert app.heard == b""
        app.transport.resume_reading()
        await eventually(lambda: app.heard == b"late")
        app.client.cut()
        app.over.set()


async def test_the_client_half_closes_and_still_hears() -> None:
    app = Switching()
    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(HANDSHAKE)
        await client.head()
        client.half_close()
        await eventually(lambda: app.heard_end)
        app.transport.write(b"the last of it")
        app.client.finish()
        app.over.set()
        assert await client.rest() == b"the last of it"
        await eventually(lambda: app.is_lost or not port.shared.connections)
        assert not app.gone_told


async def test_what_a_client_says_behind_the_backends_end_does_not_reset_it() -> None:
    app = Switching()
    async with traffic_port(app, Limits(linger=Linger(0.2, 0.2, 1 << 20))) as port:
        client = await port.dial()
        await client.send(HANDSHAKE)
        await client.head()
        app.transport.write(b"bye")
        app.transport.write_eof()
        app.client.finish()
        app.over.set()
        await client.send(b"x" * 100_000)
        assert await client.rest() == b"bye"
        await eventually(lambda: not port.shared.connections)


async def test_a_slow_client_is_felt() -> None:
    app = Switching()
    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(HANDSHAKE)
        await client.head()
        client.stop_reading()
        app.transport.write(bytes(16 << 20))
        await eventually(lambda: app.is_full and app.client.write_paused)
        client.read_again()
        assert await client.read_exactly(16 << 20) == bytes(16 << 20)
        await eventually(lambda: not app.is_full)
        app.client.cut()
        app.over.set()


async def test_a_reset_is_told_to_the_tunnel_and_to_the_application() -> None:
    app = Switching()
    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(HANDSHAKE)
        await client.head()
        client.reset()
        await eventually(lambda: app.is_lost and app.gone_told)
        app.over.set()


@pytest.mark.parametrize("how", ["cut", "forgotten"])
async def test_a_cut_is_a_reset_and_no_end(how: str) -> None:
    app = Switching()
    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(HANDSHAKE)
        await client.head()
        if how == "cut":
            app.client.cut()
        app.over.set()
        with pytest.raises(ConnectionResetError):
            await client.rest()


async def test_an_idle_tunnel_outlives_the_timers_and_the_wish_to_stop() -> None:
    app = Switching()
    async with traffic_port(
        app, Limits(header_timeout=0.05, idle_timeout=0.05, linger=Linger(0.05, 0.05, 1 << 20))
    ) as port:
        client = await port.dial()
        await client.send(HANDSHAKE)
        await client.head()
        port.listener.end_idle()
        await asyncio.sleep(0.15)  # the timers' time, which is what this is about
        app.transport.write(b"hello")
        assert await client.read_exactly(5) == b"hello"
        assert not port.listener.is_empty
        await port.listener.abandon()
        assert app.is_lost


async def test_only_who_asked_is_upgraded_and_only_once() -> None:
    failures: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        client = scope["extensions"]["gateway.client"]
        answered = scope["path"] == "/late"
        if answered:
            await respond(send, b"x")
        try:
            client.upgrade([], asyncio.Protocol())
        except RuntimeError as error:
            failures.append(str(error))
        if not answered:
            await respond(send, b"x")

    async with traffic_port(app) as port:
        client = await port.dial()
        assert (await client.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).status == 200
        assert (await client.ask(HANDSHAKE.replace(b"/ws", b"/late"))).status == 200
        await eventually(lambda: len(failures) == 2)
