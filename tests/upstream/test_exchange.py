from __future__ import annotations

import asyncio
import math
import socket
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING

import anyio
import pytest

from gateway.upstream.errors import BadAnswer, BrokeBeforeHead, CutShort, UpstreamError, WrongLength
from gateway.upstream.exchange import MAX_UNREAD
from gateway.upstream.request import UpstreamRequest
from tests.doubles.eventually import eventually
from tests.doubles.scripted_server import ScriptedServer, Visit, once
from tests.upstream.asking import HELLO, HOST, get, many_turns, post, read_all
from tests.upstream.bad_heads import BAD_HEADS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from gateway.upstream.dialer import Dialer
    from gateway.upstream.exchange import Exchange

pytestmark = pytest.mark.anyio

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SORRY = b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 5\r\n\r\nsorry"
ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n"
COUNTED = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"


# ---- answers


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (HELLO, b"hello"),
        (CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\nX-Trailer: y\r\n\r\n", b"hello"),
        (ENDLESS + b"hello", b"hello"),
        (b"HTTP/1.0 200 OK\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + HELLO, b"hello"),
        (HELLO + b"and more than was announced", b"hello"),
    ],
)
async def test_an_answer_is_read_to_its_end(dialer: Dialer, answer: bytes, body: bytes) -> None:
    async with ScriptedServer(once(answer)) as server:
        exchange = await dialer.send(server.address, post(b""))
        assert (await read_all(exchange))[1] == body
        assert exchange.ended
        assert exchange.released
        assert await exchange.read() == b""


async def test_the_answer_to_head_has_no_body(dialer: Dialer) -> None:
    async with ScriptedServer(once(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")) as server:
        exchange = await dialer.send(server.address, UpstreamRequest(b"HEAD", b"/", [HOST], reusable=True))
        head, body = await read_all(exchange)
        assert (head.headers, head.length, body) == ([(b"content-length", b"5")], 0, b"")


async def test_the_last_piece_is_known_as_the_last(dialer: Dialer) -> None:
    """A relay need not ask once more to learn that there is nothing more."""
    more = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(HELLO[:-2])
        await more.wait()
        await visit.send(HELLO[-2:])

    async with ScriptedServer(script) as server:
        exchange = await dialer.send(server.address, get())
        assert (await exchange.read(), exchange.ended) == (b"hel", False)
        more.set()
        assert (await exchange.read(), exchange.ended) == (b"lo", True)


@pytest.mark.parametrize("answer", [HELLO, CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", ENDLESS + b"hello"])
async def test_that_an_answer_is_whole_is_told_before_anybody_reads_it(dialer: Dialer, answer: bytes) -> None:
    told: list[int] = []

    async with ScriptedServer(once(answer)) as server:
        exchange = await dialer.send(server.address, post(b""))
        exchange.when_whole(lambda head: told.append(head.status))
        await eventually(lambda: exchange.released)
        assert (told, exchange.ended) == ([200], False)
        exchange.when_whole(lambda head: told.append(head.status))
        assert told == [200, 200]


async def test_nobody_is_told_of_an_answer_that_broke(dialer: Dialer) -> None:
    told: list[int] = []

    async with ScriptedServer(once(HELLO[:-1])) as server:
        exchange = await dialer.send(server.address, post(b""))
        exchange.when_whole(lambda head: told.append(head.status))
        await eventually(lambda: exchange.released)
        assert told == []


HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"


async def test_hints_are_told_when_they_come(dialer: Dialer) -> None:
    told: list[int] = []
    more = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(HINTS)
        await more.wait()
        await visit.send(HINTS + HELLO)

    async with ScriptedServer(script) as server:
        exchange = await dialer.send(server.address, get())
        exchange.when_hinted(lambda head: told.append(head.status))
        await eventually(lambda: told == [103])
        more.set()
        head = await exchange.head()
        assert (told, head.status) == ([103, 103], 200)


async def test_hints_that_came_before_somebody_listened_are_told(dialer: Dialer) -> None:
    told: list[int] = []
    async with ScriptedServer(once(HINTS + HELLO)) as server:
        exchange = await dialer.send(server.address, get())
        await eventually(lambda: exchange.released)
        exchange.when_hinted(lambda head: told.append(head.status))
        assert told == [103]


# ---- pouring


@asynccontextmanager
async def pieces(dialer: Dialer, head: bytes) -> AsyncIterator[tuple[Exchange, Callable[[bytes], Awaitable[None]]]]:
    """An exchange whose answer has begun, and what sends more of it; an empty piece ends the connection."""
    to_send, receiver = anyio.create_memory_object_stream[bytes](10)

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(head)
        async for piece in receiver:
            if not piece:
                return
            await visit.send(piece)

    async with ScriptedServer(script) as server, to_send, receiver:
        exchange = await dialer.send(server.address, get())
        await exchange.head()
        yield exchange, to_send.send
        exchange.close()


class Sink:
    """Takes so many pieces."""

    def __init__(self, most: float = math.inf) -> None:
        self.had: list[bytes] = []
        self._most = most
        self._came = asyncio.Event()

    def __call__(self, piece: bytes) -> bool:
        self.had.append(piece)
        self._came.set()
        return len(self.had) < self._most

    async def has(self, count: int) -> None:
        """Until it has so many."""
        while len(self.had) < count:
            self._came.clear()
            await self._came.wait()


async def test_a_body_is_poured_as_it_comes_but_for_its_last_piece(dialer: Dialer) -> None:
    async with pieces(dialer, COUNTED) as (exchange, send):
        sink = Sink()
        pouring = asyncio.create_task(exchange.pour(sink))
        await send(b"abc")
        await sink.has(1)
        await send(b"def")
        await sink.has(2)
        await send(b"ghi")
        await pouring
        assert (sink.had, await exchange.read(), exchange.ended) == ([b"abc", b"def"], b"ghi", True)


async def test_a_sink_that_has_enough_gets_no_more(dialer: Dialer) -> None:
    async with pieces(dialer, ENDLESS) as (exchange, send):
        sink = Sink(1)
        await send(b"abc")
        await exchange.pour(sink)
        await send(b"def")
        await eventually(lambda: exchange.ready)
        assert sink.had == [b"abc"]
        await exchange.pour(sink)
        assert sink.had == [b"abc", b"def"]


async def test_pouring_may_be_cancelled_and_nothing_is_lost(dialer: Dialer) -> None:
    async with pieces(dialer, ENDLESS) as (exchange, send):
        sink = Sink()
        pouring = asyncio.create_task(exchange.pour(sink))
        await send(b"abc")
        await sink.has(1)
        pouring.cancel()
        await asyncio.wait([pouring])
        await send(b"def")
        assert (await exchange.read(), sink.had) == (b"def", [b"abc"])


async def test_what_a_sink_raises_is_raised_to_who_pours(dialer: Dialer) -> None:
    async with pieces(dialer, CHUNKED) as (exchange, send):

        def sink(piece: bytes) -> bool:
            raise LookupError(piece)

        pouring = asyncio.create_task(exchange.pour(sink))
        await send(b"3\r\nabc\r\n")
        with pytest.raises(LookupError, match="abc"):
            await pouring
        assert exchange.released


async def test_who_pours_hears_that_the_answer_broke_behind_what_came(dialer: Dialer) -> None:
    async with pieces(dialer, COUNTED) as (exchange, send):
        sink = Sink()
        await send(b"abc")
        await send(b"")
        with pytest.raises(CutShort):
            await exchange.pour(sink)
        assert sink.had == [b"abc"]


async def test_who_pours_gets_what_came_together_with_the_nonsense_behind_it(dialer: Dialer) -> None:
    async with pieces(dialer, CHUNKED) as (exchange, send):
        sink = Sink()
        pouring = asyncio.create_task(exchange.pour(sink))
        await send(b"3\r\nabc\r\nnonsense\r\n")
        with pytest.raises(BadAnswer):
            await pouring
        assert sink.had == [b"abc"]


@pytest.mark.parametrize("lines", BAD_HEADS.values(), ids=BAD_HEADS.keys())
async def test_a_bad_head_is_told_and_the_connection_broken(dialer: Dialer, lines: list[bytes]) -> None:
    left = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"\r\n".join([*lines, b"", b"hello"]))
        await visit.rest()
        left.set()

    async with ScriptedServer(script) as server:
        exchange = await dialer.send(server.address, get())
        with pytest.raises(BadAnswer, match=server.address):
            await exchange.head()
        await left.wait()
        with pytest.raises(BadAnswer):
            await exchange.read()


@pytest.mark.parametrize(
    ("answer", "by_reset", "error"),
    [
        (b"", False, BrokeBeforeHead),
        (b"", True, BrokeBeforeHead),
        (b"HTTP/1.1 2", False, BadAnswer),
        (b"hello\r\n", False, BadAnswer),
        (HELLO[:-1], False, CutShort),
        (HELLO[:-1], True, CutShort),
        (CHUNKED + b"5\r\nhello\r\n", False, CutShort),
        (CHUNKED + b"5\r\nhello\r\n", True, CutShort),
        (CHUNKED + b"5\r\nhello\r\n?", False, BadAnswer),
        (ENDLESS + b"hello", True, CutShort),
    ],
)
async def test_how_an_answer_breaks_off(
    dialer: Dialer, answer: bytes, by_reset: bool, error: type[UpstreamError]
) -> None:
    seen = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(answer)
        if by_reset:
            if answer:
                await seen.wait()  # a reset may overtake what was sent before it
            visit.reset()

    async with ScriptedServer(script) as server:
        exchange = await dialer.send(server.address, get())
        if error is CutShort:
            await exchange.head()
            assert await exchange.read() in answer
            seen.set()
        with pytest.raises(error) as raised:
            await read_all(exchange)
        assert type(raised.value) is error
        assert server.address in str(raised.value)
        assert exchange.written
        assert exchange.released
        assert not exchange.ended


async def test_waiting_may_be_cancelled_and_taken_up_again(dialer: Dialer) -> None:
    head_due, body_due = asyncio.Event(), asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.request()
        await head_due.wait()
        await visit.send(HELLO[:-5])
        await body_due.wait()
        await visit.send(HELLO[-5:])

    async with ScriptedServer(script) as server:
        exchange = await dialer.send(server.address, get())
        with anyio.move_on_after(0):
            await exchange.head()
        head_due.set()
        assert (await exchange.head()).status == 200
        with anyio.move_on_after(0):
            await exchange.read()
        body_due.set()
        assert await exchange.read() == b"hello"


async def test_no_more_is_taken_in_than_the_reader_takes_out(dialer: Dialer) -> None:
    size = 20_000_000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size)
    async with ScriptedServer(once(answer)) as server:
        exchange = await dialer.send(server.address, get())
        await exchange.head()
        await many_turns()
        piece = await exchange.read()
        assert MAX_UNREAD < len(piece) < MAX_UNREAD + 300_000  # and what one read from the socket brings at most
        assert len(piece) + len((await read_all(exchange))[1]) == size


# ---- giving up


async def test_closing_breaks_what_is_unfinished(dialer: Dialer) -> None:
    left = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(HELLO[:-1])
        await visit.rest()
        left.set()

    async with ScriptedServer(script) as server:
        exchange = await dialer.send(server.address, get())
        await exchange.head()
        exchange.close()
        exchange.close()
        assert exchange.released
        await left.wait()
        with pytest.raises(UpstreamError):
            await read_all(exchange)


async def test_closing_after_the_end_takes_nothing_back(dialer: Dialer) -> None:
    async with ScriptedServer(once(HELLO)) as server:
        exchange = await dialer.send(server.address, get())
        await exchange.head()
        exchange.close()
        assert await exchange.read() == b"hello"


# ---- requests that are still going out


class Body:
    """Gives `hello`, then does nothing until it is told to, and notes that it was closed."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.closed = asyncio.Event()
        self.error: Exception | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            yield b"hello"
            await self.go_on.wait()
            if self.error is not None:
                raise self.error
        finally:
            self.closed.set()


async def test_an_early_answer_is_read_and_the_upload_stopped(dialer: Dialer) -> None:
    body = Body()
    rest: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def script(visit: Visit) -> None:
        await visit.head()
        await visit.send(SORRY)
        rest.set_result(await visit.rest())

    async with ScriptedServer(script) as server:
        exchange = await dialer.send(server.address, post(body.pieces()))
        head, answer = await read_all(exchange)
        assert (head.status, answer) == (413, b"sorry")
        await body.closed.wait()
        assert b"0\r\n\r\n" not in await rest


async def test_a_backend_that_answers_and_leaves_in_mid_upload_is_heard(dialer: Dialer) -> None:
    """What it did not read makes its kernel send a reset right after the answer."""
    async with ScriptedServer(script=refuse_and_leave) as server:
        exchange = await dialer.send(server.address, post(bytes(3_000_000)))
        assert (await read_all(exchange))[1] == b"sorry"


async def refuse_and_leave(visit: Visit) -> None:
    await visit.head()
    await visit.send(SORRY)


async def test_an_answer_is_let_in_before_a_write_destroys_it(dialer: Dialer) -> None:
    """The backend answers and leaves between two turns of the loop, just as there is more to be written."""
    loop = asyncio.get_running_loop()
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.setblocking(False)

        async def body() -> AsyncIterator[bytes]:
            with (await loop.sock_accept(listener))[0] as peer:
                await loop.sock_recv(peer, 65536)
                peer.send(SORRY)
            for _ in range(10):
                yield b"more"

        exchange = await dialer.send(f"127.0.0.1:{listener.getsockname()[1]}", post(body()))
        assert (await read_all(exchange))[1] == b"sorry"


async def test_a_connection_with_an_unfinished_upload_is_not_kept(dialer: Dialer) -> None:
    body = Body()

    async def script(visit: Visit) -> None:
        await visit.head()
        await visit.send(HELLO)
        await visit.rest()

    async with ScriptedServer(script) as server:
        request = UpstreamRequest(b"PUT", b"/", [HOST], body.pieces(), reusable=True)
        await read_all(await dialer.send(server.address, request))
        again = await dialer.send(server.address, get())
        await read_all(again)
        assert not again.reused


async def test_answer_and_upload_may_go_on_side_by_side(dialer: Dialer) -> None:
    body = Body()

    async def script(visit: Visit) -> None:
        head = await visit.head()
        await visit.send(HELLO[:-2])
        assert await visit.body(head) == b"5\r\nhello\r\n0\r\n\r\n"
        await visit.send(HELLO[-2:])

    async with ScriptedServer(script) as server:
        exchange = await dialer.send(server.address, post(body.pieces()))
        assert await exchange.read() == b"hel"
        body.go_on.set()
        assert await exchange.read() == b"lo"


async def test_closing_stops_an_upload_without_an_end(dialer: Dialer) -> None:
    body = Body()
    rest: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def script(visit: Visit) -> None:
        await visit.head()
        rest.set_result(await visit.rest())

    async with ScriptedServer(script) as server:
        exchange = await dialer.send(server.address, post(body.pieces()))
        await many_turns()
        exchange.close()
        assert await rest == b"5\r\nhello\r\n"
        await body.closed.wait()


@pytest.mark.parametrize("early_head", [False, True])
async def test_what_the_body_raises_is_raised_to_the_reader(dialer: Dialer, early_head: bool) -> None:
    body = Body()
    body.error = RuntimeError("the client left")
    rest: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def script(visit: Visit) -> None:
        await visit.head()
        if early_head:
            await visit.send(HELLO[:-1])
        rest.set_result(await visit.rest())

    async with ScriptedServer(script) as server:
        exchange = await dialer.send(server.address, post(body.pieces()))
        if early_head:
            await exchange.head()
        body.go_on.set()
        with pytest.raises(RuntimeError) as raised:
            await read_all(exchange)
        assert raised.value is body.error
        assert await rest == b"5\r\nhello\r\n"


async def test_a_body_that_is_cancelled_is_a_body_given_up(dialer: Dialer) -> None:
    async def cancelled() -> AsyncIterator[bytes]:
        yield b"hello"
        raise asyncio.CancelledError

    async def script(visit: Visit) -> None:
        await visit.rest()

    async with ScriptedServer(script) as server:
        exchange = await dialer.send(server.address, post(cancelled()))
        with pytest.raises(WrongLength, match="given up"):
            await exchange.head()


async def test_a_backend_that_breaks_off_in_mid_upload(dialer: Dialer) -> None:
    body = Body()

    async def script(visit: Visit) -> None:
        await visit.head()
        visit.reset()

    async with ScriptedServer(script) as server:
        exchange = await dialer.send(server.address, post(body.pieces()))
        with pytest.raises(BrokeBeforeHead):
            await exchange.head()
        await body.closed.wait()
