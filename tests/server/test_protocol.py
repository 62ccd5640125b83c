"""One connection from its first byte to its last: what is refused, what is kept alive, how it ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from tests.doubles.eventually import eventually
from tests.server.small_apps import Held, Recorder, echo, hello, read_body, respond
from tests.server.traffic_port import traffic_port

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

pytestmark = pytest.mark.anyio

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def get(path: bytes) -> bytes:
    return b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path


# Refusals.


@pytest.mark.parametrize(
    ("request_bytes", "status", "reason"),
    [
        (b"nonsense\r\n\r\n", 400, "malformed"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "bad_host"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400, "bad_host"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400, "bad_framing"),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "bad_framing"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n", 400, "malformed"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nbody", 400, "malformed"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +4\r\n\r\nbody", 400, "malformed"),
        (b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", 405, "bad_method"),
        (b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 405, "bad_method"),
        (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501, "unknown_method"),
        (b"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_target"),
        (b"GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_target"),
        (get(b"/" + b"a" * 8192), 414, "target_too_long"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 32768, 431, "headers_too_large"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 100 + b"\r\n", 431, "headers_too_large"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "bad_chunk"),
    ],
)
async def test_what_is_refused_never_reaches_the_application(request_bytes: bytes, status: int, reason: str) -> None:
    app = Recorder()
    async with traffic_port(app) as port:
        client = await port.dial()
        answer = await client.ask(request_bytes)
        assert answer.status == status
        assert answer.fields["content-type"] == "application/problem+json"
        assert answer.fields["connection"] == "close"
        assert answer.json()["status"] == status
        assert answer.fields["x-request-id"] == answer.json()["request_id"]
        assert await client.rest() == b""
        assert port.refused == [reason]
    assert app.scopes == []


async def test_each_refusal_has_an_id_of_its_own_and_the_log_says_why() -> None:
    async with traffic_port(hello) as port:
        with capture_logs() as logs:
            answers = [await (await port.dial()).ask(b"GET / HTTP/1.1\r\n\r\n") for _ in range(2)]
        assert [(line["event"], line["reason"]) for line in logs] == [("request_refused", "bad_host")] * 2
        ids = [line["request_id"] for line in logs]
        assert [answer.fields["x-request-id"] for answer in answers] == ids
        assert len(set(ids)) == 2


async def test_a_malformed_chunk_in_mid_body_is_answered_and_told() -> None:
    held = Held()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        held.client = scope["extensions"]["gateway.client"]
        with pytest.raises(ConnectionError):
            await read_body(receive)
        await respond(send, b"nobody reads this")
        held.go.set()

    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n")
        await eventually(lambda: held.client is not None)
        answer = await client.ask(b"zz\r\n")
        assert answer.status == 400
        assert await client.rest() == b""
        await held.go.wait()
        assert held.client.gone
        assert held.client.malformed
        assert port.refused == []  # it had been accepted


async def test_a_malformed_chunk_in_mid_answer_cuts_it() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        with pytest.raises(ConnectionError):
            await read_body(receive)
        await send({"type": "http.response.body", "body": b"never"})

    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n")
        assert (await client.head()).status == 200
        await client.send(b"zz\r\n")
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await client.read_exactly(1)


# Bodies.


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 4\r\n\r\nbody", b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"]
)
async def test_an_upgrade_to_anything_but_websocket_is_ignored_and_its_body_read(framing: bytes) -> None:
    upgrade = b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n"
    request = b"POST / HTTP/1.1\r\nHost: x\r\n" + upgrade + framing
    async with traffic_port(echo) as port:
        client = await port.dial()
        for _ in range(2):
            assert (await client.ask(request)).body == b"body"
        await client.send(request[:-2])
        await client.send(request[-2:])
        assert (await client.answer()).body == b"body"


async def test_a_websocket_handshake_is_a_get_whose_connection_ends_with_its_answer() -> None:
    app = Recorder()
    async with traffic_port(app) as port:
        client = await port.dial()
        answer = await client.ask(
            b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n\r\n"
        )
        assert answer.fields["connection"] == "close"
        assert (answer.body, await client.rest()) == (b"/ws", b"")
        assert (b"sec-websocket-key", b"a") in app.scopes[0]["headers"]


async def test_trailers_are_dropped() -> None:
    app = Recorder()
    async with traffic_port(app) as port:
        client = await port.dial()
        head = b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        await client.ask(head + b"1;ext=1\r\na\r\n0\r\nX-Trailer: b\r\nHost: evil\r\n\r\n")
        assert (await client.ask(GET)).body == b"/"
        assert app.scopes[0]["headers"] == [(b"host", b"x"), (b"transfer-encoding", b"chunked")]


# One request after another.


async def test_a_connection_serves_one_request_after_another() -> None:
    async with traffic_port(echo) as port:
        client = await port.dial()
        for body in (b"", b"a", b"bc"):
            answer = await client.ask(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            assert answer.body == body
            assert "connection" not in answer.fields
        assert (await client.ask(get(b"/"))).status == 200


async def test_pipelined_requests_are_served_one_at_a_time_and_in_order() -> None:
    held = Held()
    chunked = b"POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
    counted = b"POST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"
    async with traffic_port(held) as port:
        client = await port.dial()
        await client.send(get(b"/a") + chunked + counted + get(b"/d") + b"nonsense\r\n\r\n")
        await held.arrived.wait()
        await asyncio.sleep(0)
        assert held.paths == ["/a"]
        held.go.set()
        assert [(await client.answer()).body for _ in range(4)] == [b"/a", b"/b", b"/c", b"/d"]
        assert (await client.answer()).status == 400


async def test_a_client_is_watched_while_its_next_request_waits() -> None:
    held = Held()
    async with traffic_port(held) as port:
        client = await port.dial()
        await client.send(get(b"/a") + get(b"/b"))
        await held.arrived.wait()
        left = asyncio.Event()
        held.client.on_gone(left.set)
        await client.close()
        await left.wait()
        held.go.set()
        await eventually(lambda: not port.shared.at_work)
        assert held.paths == ["/a"]


async def test_on_a_broken_connection_no_further_request_begins() -> None:
    paths: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        paths.append(scope["path"])
        (connection,) = port.shared.connections
        connection.transport.abort()
        await respond(send, b"")

    async with traffic_port(app) as port:
        client = await port.dial()
        await client.send(get(b"/a") + get(b"/b"))
        assert await client.rest() == b""
        assert paths == ["/a"]


# How it ends.


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ],
)
async def test_who_asks_for_one_answer_gets_one_and_a_fin(request_bytes: bytes) -> None:
    async with traffic_port(hello) as port:
        client = await port.dial()
        answer = await client.ask(request_bytes)
        assert (answer.status, answer.fields["connection"]) == (200, "close")
        assert await client.rest() == b""


async def test_http_1_0_gets_no_chunks() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"hel", "more_body": True})
        await send({"type": "http.response.body", "body": b"lo"})

    async with traffic_port(app) as port:
        client = await port.dial()
        answer = await client.ask(b"GET / HTTP/1.0\r\n\r\n")
        assert "transfer-encoding" not in answer.fields
        assert answer.body == b"hello"


@pytest.mark.parametrize("method", [b"HEAD", b"GET"])
async def test_an_answer_without_a_body_leaves_the_connection_usable(method: bytes) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"hello", status=200 if scope["method"] == "HEAD" else 304)

    async with traffic_port(app) as port:
        client = await port.dial()
        for _ in range(2):
            await client.send(method + b" / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await client.answer(to_head=True)).fields["content-length"] == "5"


async def test_an_early_answer_can_be_read_and_then_the_connection_ends() -> None:
    async with traffic_port(hello) as port:
        client = await port.dial()
        await client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + bytes(100_000))
        answer = await client.answer()
        assert (answer.body, answer.fields["connection"]) == (b"hello", "close")
        assert await client.rest() == b""  # half-closed: its FIN is there
        await client.send(bytes(100_000))  # still taken
        assert port.shared.connections
        client.half_close()
        await eventually(lambda: not port.shared.connections)


async def test_a_body_that_has_all_come_need_not_be_read_by_the_application() -> None:
    async with traffic_port(hello) as port:
        client = await port.dial()
        for _ in range(2):
            answer = await client.ask(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
            assert "connection" not in answer.fields
