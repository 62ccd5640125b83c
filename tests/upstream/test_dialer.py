from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import anyio
import pytest

from gateway.upstream.dialer import Dialer
from gateway.upstream.errors import BrokeBeforeHead, NotSent, UpstreamError
from tests.doubles.eventually import eventually
from tests.doubles.scripted_server import ScriptedServer, Visit, always
from tests.upstream.asking import HELLO, get, many_turns, post, read_all

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio


# ---- which connection


async def test_what_must_run_at_most_once_always_goes_on_a_connection_of_its_own(dialer: Dialer) -> None:
    async with ScriptedServer(always(HELLO)) as server:
        for request in (get(), post(b"1"), post(b"2"), get()):
            await read_all(await dialer.send(server.address, request))
        assert [len(visit.requests) for visit in server.visits] == [2, 1, 1]
        closes = [b"connection: close" in visit.requests[0].lines for visit in server.visits]
        assert closes == [False, True, True]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        HELLO + b"!",
        b"HTTP/1.1 204 No Content\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n\r\n",
    ],
    ids=["said close", "1.0", "one byte more", "a body where none may be", "line break more"],
)
async def test_a_connection_is_not_kept_unless_the_end_was_certain(dialer: Dialer, answer: bytes) -> None:
    async with ScriptedServer(always(answer)) as server:
        for _ in range(2):
            exchange = await dialer.send(server.address, get())
            await read_all(exchange)
            assert not exchange.reused
        assert len(server.visits) == 2


async def test_a_connection_with_an_unfinished_answer_is_not_kept(dialer: Dialer) -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(HELLO[:-1] if visit is server.visits[0] else HELLO)
        await visit.rest()

    async with ScriptedServer(script) as server:
        first = await dialer.send(server.address, get())
        await first.head()
        first.close()
        second = await dialer.send(server.address, get())
        assert (await read_all(second))[1] == b"hello"
        assert not second.reused


async def test_a_reused_connection_that_dies_in_silence_is_told_apart(dialer: Dialer) -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(HELLO)
        await visit.request()

    async with ScriptedServer(script) as server:
        await read_all(await dialer.send(server.address, get()))
        exchange = await dialer.send(server.address, get())
        with pytest.raises(BrokeBeforeHead):
            await exchange.head()
        assert exchange.reused


async def test_requests_at_the_same_time_do_not_share(dialer: Dialer) -> None:
    all_sent = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.request()
        await all_sent.wait()
        await visit.send(HELLO)

    async with ScriptedServer(script) as server:
        exchanges = [await dialer.send(server.address, get()) for _ in range(3)]
        all_sent.set()
        for exchange in exchanges:
            await read_all(exchange)
        assert len(server.visits) == 3


async def test_ipv6_addresses_come_in_brackets(dialer: Dialer) -> None:
    try:
        server = await ScriptedServer(always(HELLO), host="::1").__aenter__()
    except OSError:
        pytest.skip("no IPv6 here")
    assert server.address.startswith("[::1]:")
    assert (await read_all(await dialer.send(server.address, get())))[1] == b"hello"
    await server.__aexit__()


# ---- dialled ahead


async def test_a_spare_waits_for_the_next_that_needs_a_connection_of_its_own(dialer: Dialer) -> None:
    async with ScriptedServer(always(HELLO)) as server:
        dialer.dial_ahead(server.address)
        dialer.dial_ahead(server.address)
        await eventually(lambda: len(server.visits) == 1)
        dialer.dial_ahead(server.address)
        for request in (get(), post(b"1"), post(b"2")):
            exchange = await dialer.send(server.address, request)
            await read_all(exchange)
            assert not exchange.reused
        ridden = [[received.lines[0][:4] for received in visit.requests] for visit in server.visits]
        assert ridden == [[b"POST"], [b"GET "], [b"POST"]]


async def test_who_will_not_wait_is_sent_where_a_connection_is(dialer: Dialer) -> None:
    async with ScriptedServer(always(HELLO)) as server:
        request = post(b"1")
        assert dialer.send_at_once(server.address, request) is None
        dialer.dial_ahead(server.address)
        await eventually(lambda: len(server.visits) == 1)
        exchange = dialer.send_at_once(server.address, request)
        assert exchange is not None
        assert (await read_all(exchange))[1] == b"hello"
        assert (exchange.reused, dialer.send_at_once(server.address, request)) == (False, None)


@pytest.mark.parametrize("last_words", [b"", b"HTTP/1.1 408 Request Timeout\r\n\r\n"], ids=["end", "byte"])
async def test_a_spare_that_does_not_keep_quiet_is_discarded(dialer: Dialer, last_words: bytes) -> None:
    due = asyncio.Event()

    async def script(visit: Visit) -> None:
        if visit is server.visits[0]:
            await due.wait()
            await visit.send(last_words)
            if last_words:
                await visit.rest()
        else:
            await visit.request()
            await visit.send(HELLO)

    async with ScriptedServer(script) as server:
        dialer.dial_ahead(server.address)
        await eventually(lambda: server.visits)
        await many_turns()
        due.set()
        await eventually(lambda: not dialer.in_use)
        dialer.dial_ahead(server.address)  # it takes no room
        await eventually(lambda: len(server.visits) == 2)
        await many_turns()
        await read_all(await dialer.send(server.address, post(b"1")))
        assert [len(visit.requests) for visit in server.visits] == [0, 1]


async def test_a_spare_is_looked_at_in_the_moment_of_writing(dialer: Dialer) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        listener.settimeout(10)
        dialer.dial_ahead(address)
        spare = await asyncio.to_thread(listener.accept)
        await many_turns()
        spare[0].close()
        exchange = await dialer.send(address, post(b"1"))  # the event loop has had no chance to hear of it
        with closing((await asyncio.to_thread(listener.accept))[0]) as fresh:
            assert (await asyncio.to_thread(fresh.recv, 4)) == b"POST"
            exchange.close()


async def test_a_spare_that_is_too_old_is_closed_by_itself() -> None:
    dialer = Dialer(idle_reuse=0.001)
    async with ScriptedServer(always(HELLO)) as server:
        dialer.dial_ahead(server.address)
        await eventually(lambda: server.visits and not dialer.in_use)


async def test_where_no_connection_is_kept_none_is_dialled_ahead() -> None:
    dialer = Dialer(idle_reuse=0.0)
    async with ScriptedServer(always(HELLO)) as server:
        dialer.dial_ahead(server.address)
        await read_all(await dialer.send(server.address, post(b"1")))
        assert len(server.visits) == 1
        await dialer.aclose()


async def test_a_spare_that_nobody_listens_to_is_no_news(dialer: Dialer) -> None:
    address = free_address()
    dialer.dial_ahead(address)
    await many_turns()
    assert not dialer.in_use
    with pytest.raises(NotSent, match="Connection refused"):
        await dialer.send(address, post(b"1"))


# ---- nothing was written


def free_address() -> str:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


async def test_a_refused_connection(dialer: Dialer) -> None:
    address = free_address()
    with pytest.raises(NotSent, match=f"{address}: Connection refused"):
        await dialer.send(address, post(b"hello"))


@pytest.fixture
def full_address() -> Iterator[str]:
    """A listener whose backlog is full: the kernel leaves further connections without an answer."""
    with ExitStack() as stack:
        listener = stack.enter_context(closing(socket.create_server(("127.0.0.1", 0), backlog=0)))
        for _ in range(4):
            filler = stack.enter_context(closing(socket.socket()))
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"127.0.0.1:{listener.getsockname()[1]}"


async def test_a_connection_that_does_not_come_about_in_time(full_address: str) -> None:
    dialer = Dialer(connect_timeout=0.05)
    with pytest.raises(NotSent, match=r"within 0\.05 s"):
        await dialer.send(full_address, post(b"hello"))
    await dialer.aclose()


async def test_dialling_may_be_cancelled(dialer: Dialer, full_address: str) -> None:
    sending = asyncio.create_task(dialer.send(full_address, post(b"hello")))
    await anyio.wait_all_tasks_blocked()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending


async def test_a_bad_request_is_refused_before_anything_is_dialled(dialer: Dialer) -> None:
    request = get()
    request.headers = [(b"content-length", b"5")]
    with pytest.raises(ValueError, match="caller"):
        await dialer.send(free_address(), request)


# ---- ends


async def test_a_forgotten_address_starts_anew(dialer: Dialer) -> None:
    due = asyncio.Event()

    async def script(visit: Visit) -> None:
        while True:
            await visit.request()
            if visit is server.visits[0]:
                await due.wait()
            await visit.send(HELLO)

    async with ScriptedServer(script) as server, ScriptedServer(always(HELLO)) as other:
        at_work = await dialer.send(server.address, get())
        await read_all(await dialer.send(server.address, get()))
        await read_all(await dialer.send(other.address, get()))
        dialer.forget(server.address)
        due.set()
        assert (await read_all(at_work))[1] == b"hello"  # it goes on, but is not kept
        again = await dialer.send(server.address, get())
        await read_all(again)
        assert not again.reused
        untouched = await dialer.send(other.address, get())
        await read_all(untouched)
        assert untouched.reused


async def test_a_forgotten_address_has_no_spare(dialer: Dialer) -> None:
    async with ScriptedServer(always(HELLO)) as server:
        dialer.dial_ahead(server.address)
        await eventually(lambda: server.visits)
        await many_turns()
        dialer.forget(server.address)
        await read_all(await dialer.send(server.address, post(b"1")))
        assert [len(visit.requests) for visit in server.visits] == [0, 1]


async def test_what_is_being_dialled_for_a_forgotten_backend_does_not_reach_the_next_one(dialer: Dialer) -> None:
    async with ScriptedServer(always(HELLO)) as server:
        sending = asyncio.create_task(dialer.send(server.address, post(b"1")))
        await asyncio.sleep(0)
        dialer.dial_ahead(server.address)
        await asyncio.sleep(0)
        assert not server.visits
        dialer.forget(server.address)
        with pytest.raises(NotSent):
            await sending
        await read_all(await dialer.send(server.address, post(b"2")))
        await eventually(lambda: len(server.visits) == 3)
        assert sorted(len(visit.requests) for visit in server.visits) == [0, 0, 1]


async def test_closing_does_not_wait_for_a_spare(full_address: str) -> None:
    dialer = Dialer(connect_timeout=1000)
    dialer.dial_ahead(full_address)
    await anyio.wait_all_tasks_blocked()
    assert dialer.in_use
    await dialer.aclose()
    dialer.dial_ahead(full_address)
    assert not dialer.in_use


async def test_closing_ends_all_and_nothing_is_sent_any_more() -> None:
    dialer = Dialer()

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.rest()

    async with ScriptedServer(script) as server, ScriptedServer(always(HELLO)) as other:
        await read_all(await dialer.send(other.address, get()))
        at_work = await dialer.send(server.address, get())
        await dialer.aclose()
        await dialer.aclose()
        with pytest.raises(UpstreamError):
            await at_work.head()
        with pytest.raises(NotSent):
            await dialer.send(other.address, get())
