"""Each bound on what a client may send, hold up, or leave unread."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from gateway.server.limits import Limits, Linger
from tests.doubles.eventually import eventually
from tests.server.small_apps import Held, echo, hello, read_body, respond
from tests.server.traffic_port import traffic_port

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

pytestmark = pytest.mark.anyio

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
SOON = 0.02  # a limit that a test waits for


async def test_the_largest_head_is_served() -> None:
    fields = b"A: %b\r\n" % (b"a" * 300)
    request = b"GET /%b HTTP/1.1\r\nHost: x\r\n%b\r\n" % (b"a" * 8191, fields * 99)
    async with traffic_port(hello) as port:
        client = await port.dial()
        assert (await client.ask(request)).status == 200
        assert port.refused == []


async def test_trailers_have_a_bound() -> None:
    async with traffic_port(echo, Limits(chunk_extras=64)) as port:
        client = await port.dial()
        await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
        answer = await client.ask(b"X-Trailer: 1\r\n" * 10)
        assert answer.status == 400


async def test_a_body_nobody_asks_for_is_not_read_on_and_on() -> None:
    held = Held()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        held.client = scope["extensions"]["gateway.client"]
        await held.go.wait()
        await respond(send, b"%d" % len(await read_body(receive)))

    size = 16 * 1024 * 1024
    async with traffic_port(app) as port:
        client = await port.dial()
        sending = asyncio.create_task(
            client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))
        )
        await eventually(lambda: held.client is not None and held.client.buffered > 64 * 1024)
        assert held.client.buffered < 1024 * 1024
        assert not sending.done()
        held.go.set()
        assert (await client.answer()).body == b"%d" % size
        await sending


async def test_no_more_than_a_bound_waits() -> None:
    held = Held()
    requests = 200_000  # 5 MB: more than the sockets hold
    async with traffic_port(held) as port:
        client = await port.dial()
        sending = asyncio.create_task(client.send(GET * requests))
        await held.arrived.wait()
        (connection,) = port.shared.connections
        await eventually(lambda: not connection.transport.is_reading())
        assert not sending.done()
        held.go.set()
        for _ in range(5000):  # reading goes on, past what could have waited
            await client.answer()
        sending.cancel()


async def test_after_an_early_answer_input_is_discarded_for_a_while_only() -> None:
    async with traffic_port(hello, Limits(linger=Linger(SOON, 3600, 5000))) as port:
        client = await port.dial()
        await client.ask(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        await eventually(lambda: not port.shared.connections)


@pytest.mark.parametrize("linger", [Linger(3600, 3600, 1000), Linger(3600, 0, 5000)], ids=["bytes", "seconds"])
@pytest.mark.parametrize("lingering", [0, 1])
async def test_after_an_early_answer_so_much_input_is_discarded_and_no_more(linger: Linger, lingering: int) -> None:
    endless = Linger(3600, 3600, 1 << 30)
    limits = Limits(
        linger=linger if lingering else endless, linger_shortly=endless if lingering else linger, lingering=lingering
    )
    async with traffic_port(hello, limits) as port:
        client = await port.dial()
        await client.ask(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n")
        await client.send(bytes(2000))
        await eventually(lambda: not port.shared.connections)
        assert port.shared.lingering == 0


async def test_who_stops_does_not_wait_long_for_what_is_discarded() -> None:
    limits = Limits(linger=Linger(3600, 3600, 5000), linger_shortly=Linger(SOON, SOON, 1000))
    async with traffic_port(hello, limits) as port:
        client = await port.dial()
        await client.ask(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        port.listener.end_idle()
        await eventually(lambda: not port.shared.connections)


class Pieces:
    """Counts the pieces in which a body comes."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        more = True
        while more:
            message = await receive()
            self.count += 1
            more = message["type"] == "http.request" and message["more_body"]
        await respond(send, b"%d" % self.count)


async def test_many_small_reads_are_followed_by_a_rest() -> None:
    app = Pieces()
    async with traffic_port(app, Limits(small_reads=3, rest=3600)) as port:
        client = await port.dial()
        await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        for count in range(1, 5):
            await client.send(b"x")
            await eventually(lambda count=count: app.count == count)  # type: ignore[misc]
        [connection] = port.shared.connections
        assert not connection.transport.is_reading()


async def test_and_then_the_body_goes_on() -> None:
    app = Pieces()
    async with traffic_port(app, Limits(small_reads=0, rest=SOON)) as port:
        client = await port.dial()
        await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n")
        for count in range(1, 4):
            await client.send(b"x")
            await eventually(lambda count=count: app.count == count)  # type: ignore[misc]
        assert (await client.ask(b"x")).body == b"4"


async def test_a_head_that_takes_too_long_is_answered() -> None:
    async with traffic_port(hello, Limits(header_timeout=SOON)) as port:
        client = await port.dial()
        answer = await client.ask(b"GET / HTTP/1.1\r\nHost:")
        assert answer.status == 408
        assert await client.rest() == b""
        assert port.refused == ["head_too_slow"]


async def test_so_is_a_later_one() -> None:
    async with traffic_port(hello, Limits(header_timeout=SOON)) as port:
        client = await port.dial()
        await client.ask(GET)
        assert (await client.ask(b"GET / HTTP/1.1\r\nHost:")).status == 408


async def test_a_connection_that_says_nothing_ends_with_a_fin() -> None:
    async with traffic_port(hello, Limits(header_timeout=SOON)) as port:
        client = await port.dial()
        assert await client.rest() == b""
        assert port.refused == []


async def test_an_idle_connection_ends_with_a_fin() -> None:
    async with traffic_port(hello, Limits(idle_timeout=SOON)) as port:
        client = await port.dial()
        assert (await client.ask(GET)).status == 200
        assert await client.rest() == b""


async def test_what_nobody_takes_does_not_keep_a_connection_open() -> None:
    answered = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        (connection,) = port.shared.connections
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        while not connection.transport.get_write_buffer_size():  # until the sockets are full, and a little waits
            await send({"type": "http.response.body", "body": bytes(16_000), "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body"})
        answered.set()

    async with traffic_port(app, Limits(flush_timeout=SOON)) as port:
        client = await port.dial()
        client.stop_reading()
        await client.send(GET)
        await answered.wait()
        assert port.shared.connections
        await eventually(lambda: not port.shared.connections)


async def test_a_connection_too_many_hears_so_when_it_asks_and_another_does_not() -> None:
    async with traffic_port(hello, Limits(connections=1, rejected=1)) as port:
        served, told = await port.dial(), await port.dial()
        assert (await served.ask(GET)).status == 200
        untold = await port.dial()
        with contextlib.suppress(ConnectionResetError):
            assert await untold.rest() == b""
        answer = await told.ask(GET)
        assert (answer.status, answer.fields["connection"], answer.fields["retry-after"]) == (503, "close", "5")
        assert answer.json()["title"] == "Service Unavailable"
        assert await told.rest() == b""
        assert (await served.ask(GET)).status == 200
        assert port.refused == ["connections_full"] * 2


async def test_when_one_leaves_another_is_served() -> None:
    async with traffic_port(hello, Limits(connections=1)) as port:
        first = await port.dial()
        assert (await first.ask(GET)).status == 200
        await first.close()
        await eventually(lambda: not port.shared.connections)
        assert (await (await port.dial()).ask(GET)).status == 200


async def test_one_too_many_that_says_nothing_ends() -> None:
    async with traffic_port(hello, Limits(connections=1, linger_shortly=Linger(SOON, SOON, 1000))) as port:
        served, silent = await port.dial(), await port.dial()
        assert await silent.rest() == b""
        assert (await served.ask(GET)).status == 200


async def test_one_address_has_a_bound_unless_it_is_a_proxys() -> None:
    async with traffic_port(hello, Limits(connections_per_address=1)) as port:
        first, second = await port.dial(), await port.dial()
        assert ((await first.ask(GET)).status, (await second.ask(GET)).status) == (200, 503)
        assert port.refused == ["address_full"]
        port.shared.is_proxy = "127.0.0.1".__eq__
        assert (await (await port.dial()).ask(GET)).status == 200
