"""One request as the application lives it: what it receives, what it sends, what it learns of its client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from tests.doubles.eventually import eventually
from tests.server.small_apps import Held, echo, hello, read_body, respond
from tests.server.traffic_port import traffic_port

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

pytestmark = pytest.mark.anyio

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
MUCH = bytes(8 * 1024 * 1024)  # more than both sockets' buffers hold


def post(body: bytes, extra: bytes = b"") -> bytes:
    return b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%b\r\n%b" % (len(body), extra, body)


def client_of(scope: Scope) -> Any:
    return scope["extensions"]["gateway.client"]


# Receiving.


async def test_a_body_comes_as_it_is_sent_and_then_its_end() -> None:
    messages: list[Message] = []
    received = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while not messages or messages[-1]["more_body"]:
            messages.append(await receive())
            received.set()
        await respond(send, b"")

    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")
        await received.wait()
        await client.send(b"llo")
        assert (await client.answer()).status == 200
    assert messages == [
        {"type": "http.request", "body": b"he", "more_body": True},
        {"type": "http.request", "body": b"llo", "more_body": False},
    ]


async def test_after_the_body_nothing_is_received_until_the_client_leaves() -> None:
    received: asyncio.Queue[str] = asyncio.Queue()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(2):
            received.put_nowait((await receive())["type"])

    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(GET)
        assert await received.get() == "http.request"
        await client.close()
        assert await received.get() == "http.disconnect"


async def test_after_the_answer_a_disconnect_is_received() -> None:
    received: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await respond(send, b"")
        received.append((await receive())["type"])

    async with traffic_port(app) as port:
        await (await port.dial()).ask(GET)
        await eventually(lambda: received)
    assert received == ["http.disconnect"]


async def test_100_is_sent_when_the_application_asks_for_the_body() -> None:
    async with traffic_port(echo) as port:
        client = await port.dial()
        await client.send(post(b"", b"Expect: 100-continue\r\n").replace(b"Length: 0", b"Length: 4"))
        assert (await client.head()).status == 100
        await client.send(b"body")
        assert (await client.answer()).body == b"body"


@pytest.mark.parametrize(
    "request_bytes",
    [
        post(b"body", b"Expect: 100-continue\r\n"),  # it did not wait for our word
        post(b"", b"Expect: 100-continue\r\n"),
        post(b"body", b"Expect: 100-continue\r\n").replace(b"1.1", b"1.0"),
        post(b"body", b"Expect: something\r\n"),
    ],
)
async def test_100_is_not_sent_where_it_is_of_no_use(request_bytes: bytes) -> None:
    async with traffic_port(echo) as port:
        client = await port.dial()
        assert (await client.ask(request_bytes)).status == 200


async def test_100_is_not_sent_when_the_body_is_not_wanted() -> None:
    async with traffic_port(hello) as port:
        client = await port.dial()
        await client.send(post(b"", b"Expect: 100-continue\r\n").replace(b"Length: 0", b"Length: 4"))
        answer = await client.answer()
        assert (answer.status, answer.fields["connection"]) == (200, "close")


# Sending.


async def test_the_head_goes_out_at_once() -> None:
    go_on = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"late"})

    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(GET)
        assert (await client.head()).fields["transfer-encoding"] == "chunked"
        go_on.set()
        assert await client.read_exactly(14) == b"4\r\nlate\r\n0\r\n\r\n"


async def test_a_head_on_hold_goes_out_with_its_body() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"hello", hold=True)

    async with traffic_port(app) as port:
        client = await port.dial()
        for _ in range(2):
            assert (await client.ask(GET)).body == b"hello"


async def test_large_answers_arrive_whole() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": MUCH, "more_body": True})
        await send({"type": "http.response.body", "body": MUCH})

    async with traffic_port(app) as port:
        client = await port.dial()
        assert len((await client.ask(GET)).body) == 2 * len(MUCH)
        assert len((await client.ask(GET)).body) == 2 * len(MUCH)


async def test_a_sender_sees_that_its_client_takes_nothing() -> None:
    held = Held()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        held.client = client_of(scope)
        await respond(send, MUCH)
        held.go.set()

    async with traffic_port(app) as port:
        client = await port.dial()
        client.stop_reading()
        await client.send(GET)
        await eventually(lambda: held.client is not None and held.client.write_paused)
        assert not held.go.is_set()
        client.read_again()
        assert len((await client.answer()).body) == len(MUCH)
        await held.go.wait()
        assert not held.client.write_paused


async def test_who_will_not_wait_looks_and_waits_by_itself() -> None:
    pausing, went_on = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        client_of(scope).begin(200, [], hold=True)
        client_of(scope).pass_on(MUCH)
        assert client_of(scope).write_paused
        pausing.set()
        await client_of(scope).drained()
        assert not client_of(scope).write_paused
        await send({"type": "http.response.body"})
        await client_of(scope).drained()
        went_on.set()

    async with traffic_port(app) as port:
        client = await port.dial()
        client.stop_reading()
        await client.send(GET)
        await pausing.wait()
        client.read_again()
        assert len((await client.answer()).body) == len(MUCH)
        await went_on.wait()


async def test_a_client_that_takes_nothing_can_be_cut() -> None:
    held = Held()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        held.client = client_of(scope)
        await respond(send, MUCH)
        held.go.set()

    async with traffic_port(app) as port:
        client = await port.dial()
        client.stop_reading()
        await client.send(GET)
        await eventually(lambda: held.client is not None and held.client.write_paused)
        held.client.cut()
        await held.go.wait()
        assert held.client.gone
        await eventually(lambda: not port.shared.connections)


@pytest.mark.parametrize(
    ("kind", "request_bytes"),
    [("http.response.body", GET), ("http.response.trailers", GET), ("websocket.accept", GET)],
)
async def test_what_is_sent_out_of_order_is_an_error(kind: str, request_bytes: bytes) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with pytest.raises(RuntimeError, match=r"out of order|no part of an answer"):
            await send({"type": kind})
        await respond(send, b"")
        with pytest.raises(RuntimeError, match=r"out of order|no part of an answer"):
            await respond(send, b"again")

    async with traffic_port(app) as port:
        client = await port.dial()
        assert (await client.ask(request_bytes)).body == b""
        assert (await client.ask(request_bytes)).body == b""


# When the application fails.


async def test_an_application_that_raises_before_its_answer_is_answered_for() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("secret")

    async with traffic_port(app) as port:
        client = await port.dial()
        with capture_logs() as logs:
            answer = await client.ask(GET)
        assert answer.status == 500
        assert answer.fields["content-type"] == "application/problem+json"
        assert answer.json()["status"] == 500
        assert answer.json()["request_id"] == answer.fields["x-request-id"]
        assert b"secret" not in answer.body
        assert [entry["event"] for entry in logs] == ["application_failed"]


@pytest.mark.parametrize("raises", [True, False])
async def test_an_answer_the_application_does_not_finish_is_cut(raises: bool) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"part", "more_body": True})
        if raises:
            raise LookupError

    async with traffic_port(app) as port:
        client = await port.dial()
        with capture_logs() as logs:
            await client.send(GET)
            await client.head()
            assert await client.rest() == b"4\r\npart\r\n"
        assert [entry["event"] for entry in logs] == ["application_failed" if raises else "application_left_no_answer"]


async def test_an_application_that_answers_nothing_is_answered_for() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "gateway.hold": True})

    async with traffic_port(app) as port:
        client = await port.dial()
        with capture_logs() as logs:
            assert (await client.ask(GET)).status == 500
        assert [entry["event"] for entry in logs] == ["application_left_no_answer"]


async def test_an_answer_shorter_than_its_length_is_cut() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hell"})

    async with traffic_port(app) as port:
        client = await port.dial()
        with pytest.raises(asyncio.IncompleteReadError):
            await client.ask(GET)


async def test_more_than_the_length_is_an_error_and_not_sent() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hell", "more_body": True})
        with pytest.raises(RuntimeError, match="longer"):
            await send({"type": "http.response.body", "body": b"o!"})
        await send({"type": "http.response.body", "body": b"o"})

    async with traffic_port(app) as port:
        client = await port.dial()
        assert (await client.ask(GET)).body == b"hello"


# The client leaves, or is left.


@pytest.mark.parametrize("how", ["close", "half_close", "reset"])
async def test_a_client_that_leaves_is_noticed_while_its_request_is_worked_on(how: str) -> None:
    held = Held()
    async with traffic_port(held) as port:
        client = await port.dial()
        await client.send(GET)
        await held.arrived.wait()
        left = asyncio.Event()
        held.client.on_gone(left.set)
        if how == "close":
            await client.close()
        elif how == "half_close":
            client.half_close()
        else:
            client.reset()
        await left.wait()
        assert held.client.gone
        held.go.set()
        await eventually(lambda: not port.shared.at_work)


async def test_who_asks_late_is_told_at_once() -> None:
    held = Held()
    told: list[str] = []
    async with traffic_port(held) as port:
        client = await port.dial()
        await client.send(GET)
        await held.arrived.wait()
        held.client.on_gone(lambda: told.append("cleared"))
        held.client.on_gone(None)
        await client.close()
        await eventually(lambda: held.client.gone)
        assert told == []
        held.client.on_gone(lambda: told.append("late"))
        assert told == ["late"]
        held.go.set()


async def test_an_answered_client_is_not_gone() -> None:
    held = Held()
    told: list[str] = []
    async with traffic_port(held) as port:
        client = await port.dial()
        await client.send(GET)
        await held.arrived.wait()
        held.client.on_gone(lambda: told.append("gone"))
        held.go.set()
        await client.answer()
        await client.close()
        await eventually(lambda: not port.shared.connections)
        held.client.cut()
        assert (held.client.gone, told) == (False, [])


CHUNKED_HEAD = ((b"x-a", b"b"),)
COUNTED_HEAD = ((b"content-length", b"9"),)


class CutInMidAnswer:
    """Sends a part, waits, cuts, and tries to go on."""

    def __init__(self, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        self.headers = headers
        self.go = asyncio.Event()
        self.told: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = client_of(scope)
        client.on_gone(lambda: self.told.append("gone"))
        await send({"type": "http.response.start", "status": 200, "headers": self.headers})
        await send({"type": "http.response.body", "body": b"part", "more_body": True})
        await self.go.wait()
        client.cut()
        assert client.gone
        client.cut()
        await send({"type": "http.response.body", "body": b"never"})
        assert await receive() == {"type": "http.disconnect"}


@pytest.mark.parametrize(("headers", "sent"), [(CHUNKED_HEAD, b"4\r\npart\r\n"), (COUNTED_HEAD, b"part")])
async def test_a_cut_answer_has_no_end(headers: tuple[tuple[bytes, bytes], ...], sent: bytes) -> None:
    app = CutInMidAnswer(headers)
    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(GET)
        await client.head()
        app.go.set()
        assert await client.rest() == sent
        assert app.told == ["gone"]


@pytest.mark.parametrize("headers", [CHUNKED_HEAD, COUNTED_HEAD])
async def test_to_http_1_0_a_cut_is_a_reset(headers: tuple[tuple[bytes, bytes], ...]) -> None:
    app = CutInMidAnswer(headers)
    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(b"GET / HTTP/1.0\r\n\r\n")
        await client.head()
        app.go.set()
        with pytest.raises(ConnectionResetError):
            await client.rest()


async def test_who_half_closes_in_mid_answer_is_cut_too() -> None:
    app = CutInMidAnswer(CHUNKED_HEAD)
    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(b"GET / HTTP/1.0\r\n\r\n")
        await client.head()
        client.half_close()
        with pytest.raises(ConnectionResetError):
            await client.rest()
        app.go.set()


async def test_before_its_answer_a_client_is_cut_with_a_fin() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        client_of(scope).cut()

    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert await client.rest() == b""


async def test_a_body_that_breaks_off_is_a_disconnect() -> None:
    held = Held()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        held.client = client_of(scope)
        with pytest.raises(ConnectionError):
            await read_body(receive)
        held.go.set()

    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")
        await eventually(lambda: held.client is not None)
        await client.close()
        await held.go.wait()
        assert held.client.gone
        assert not held.client.malformed


# Waiting.


@pytest.mark.parametrize(("version", "before"), [("1.1", [102, 102]), ("1.0", [])])
async def test_before_its_answer_a_client_can_be_told_that_there_will_be_one(version: str, before: list[int]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        client_of(scope).assure()
        client_of(scope).assure()
        await respond(send, b"done")
        client_of(scope).assure()

    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(f"GET / HTTP/{version}\r\nHost: x\r\n\r\n".encode())
        assert [(await client.head()).status for _ in before] == before
        answer = await client.answer()
        assert (answer.status, answer.body) == (200, b"done")


@pytest.mark.parametrize(
    ("version", "asks", "status"),
    [("1.1", "", 103), ("1.0", "", 200), ("1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", 200)],
    ids=["", "HTTP/1.0", "websocket"],
)
async def test_a_client_that_can_hear_of_it_gets_hints_before_its_answer(version: str, asks: str, status: int) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        client_of(scope).hint([(b"link", b"</a.css>")])
        await respond(send, b"done")
        client_of(scope).hint([(b"link", b"</b.css>")])

    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(f"GET / HTTP/{version}\r\nHost: x\r\n{asks}\r\n".encode())
        if status == 103:
            hints = await client.head()
            assert (hints.status, hints.fields["link"]) == (103, "</a.css>")
        answer = await client.answer()
        assert (answer.status, answer.body) == (200, b"done")
