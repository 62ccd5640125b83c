"""Heads read from bytes: whole, in pieces, one after another, and refused."""

from __future__ import annotations

import pytest

from gateway.server import head_rules
from gateway.server.head import HeadReader, RequestHead
from gateway.server.limits import Limits
from gateway.server.refusals import HEADERS_TOO_LARGE, MALFORMED, TARGET_TOO_LONG, UNKNOWN_METHOD, Refusal, Refused

GET = b"GET /a?b HTTP/1.1\r\nHost: x\r\nX-Two:  spaced \t\r\nX-Empty:\r\nX-TWO: again\r\n\r\n"


def read(data: bytes) -> tuple[RequestHead, bytes]:
    found = HeadReader(Limits()).feed(data)
    assert found is not None
    return found


def refusal_of(data: bytes, limits: Limits | None = None) -> Refusal:
    with pytest.raises(Refused) as refused:
        HeadReader(limits or Limits()).feed(data)
    return refused.value.refusal


def test_a_head_is_what_was_sent() -> None:
    head, behind = read(GET + b"behind")
    assert (head.method, head.target, head.path, head.query) == (b"GET", b"/a?b", b"/a", b"b")
    assert head.headers == [(b"host", b"x"), (b"x-two", b"spaced"), (b"x-empty", b""), (b"x-two", b"again")]
    assert (head.http11, head.length, head.keep_alive) == (True, 0, True)
    assert behind == b"behind"


@pytest.mark.parametrize("cut_at", range(1, len(GET)))
def test_it_may_come_in_two_pieces_cut_anywhere(cut_at: int) -> None:
    reader = HeadReader(Limits())
    assert reader.feed(GET[:cut_at]) is None
    assert reader.has_begun
    found = reader.feed(GET[cut_at:] + b"behind")
    assert found == read(GET + b"behind")
    assert not reader.has_begun


def test_it_may_come_byte_by_byte() -> None:
    reader = HeadReader(Limits())
    found = [reader.feed(GET[i : i + 1]) for i in range(len(GET))]
    assert found[:-1] == [None] * (len(GET) - 1)
    assert found[-1] == read(GET)


def test_empty_lines_before_a_request_are_nothing() -> None:
    reader = HeadReader(Limits())
    assert reader.feed(b"\r\n\r\n") is None
    assert not reader.has_begun
    assert reader.feed(b"\r\n" + GET) == read(GET)


def test_one_reader_reads_one_head_after_another() -> None:
    reader = HeadReader(Limits())
    post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
    found = reader.feed(post + b"12345" + GET)
    assert found is not None
    head, behind = found
    assert head.length == 5
    assert reader.feed(behind[5:]) == read(GET)
    assert reader.feed(GET) == read(GET)


@pytest.mark.parametrize(
    ("upgrade", "websocket"), [(b"h2c", False), (b"websocket", True), (b"WebSocket", True), (b"h2c, websocket", False)]
)
def test_an_upgrade_is_noted_and_what_follows_stays(upgrade: bytes, websocket: bool) -> None:
    data = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: %b\r\n\r\n" % upgrade
    reader = HeadReader(Limits())
    found = reader.feed(data + b"more")
    assert found is not None
    head, behind = found
    assert (head.length, head.websocket, behind) == (0, websocket, b"more")
    assert head.keep_alive is not websocket
    assert reader.feed(GET) == read(GET)


@pytest.mark.parametrize(
    "line",
    [b"POST / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nContent-Length: 4\r\n", b"GET / HTTP/1.0\r\n"],
    ids=["a POST", "with a body", "HTTP/1.0"],
)
def test_only_a_get_without_a_body_can_become_a_websocket(line: bytes) -> None:
    found = HeadReader(Limits()).feed(line + b"Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert found is not None
    assert not found[0].websocket


@pytest.mark.parametrize(
    ("version", "connection", "keeps"),
    [
        (b"1.1", b"keep-alive", True),
        (b"1.1", b"foo, Close", False),
        (b"1.0", b"keep-alive", False),
        (b"1.0", b"close", False),
    ],
)
def test_who_keeps_the_connection(version: bytes, connection: bytes, keeps: bool) -> None:
    head, _ = read(b"GET / HTTP/%b\r\nHost: x\r\nConnection: %b\r\n\r\n" % (version, connection))
    assert head.keep_alive is keeps


def test_chunks_and_expectations_are_noted() -> None:
    head, _ = read(
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked \r\nExpect: 100-Continue\r\n\r\n",
    )
    assert head.length == head_rules.CHUNKED
    assert head.expects_continue


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00",  # TLS
        b"get /",  # may become anything
        b"GET /\r\n",  # HTTP/0.9
        b"GET / HTTP/0.9\r\n\r\n",
        b"GET / HTTP/1.1\n",
        b"GET / HTTP/1.2\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
        b"OPTIONS / RTSP/1.0\r\nHost: x\r\n\r\n",
        b"SOURCE / ICE/1.0\r\nHost: x\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\nb: c\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_as_soon_as_it_shows(data: bytes) -> None:
    assert refusal_of(data) is MALFORMED


@pytest.mark.parametrize("method", [b"BREW", b"get", b"GETS", b"X-PING"])
def test_a_method_that_nobody_knows_is_no_nonsense(method: bytes) -> None:
    assert refusal_of(b"%b / HTTP/1.1\r\nHost: x\r\n\r\n" % method) is UNKNOWN_METHOD


@pytest.mark.parametrize("method", [b"PROPFIND", b"MKCOL", b"COPY", b"MOVE", b"LOCK", b"UNLOCK", b"REPORT", b"SEARCH"])
def test_methods_of_webdav_pass(method: bytes) -> None:
    head, _ = read(b"%b / HTTP/1.1\r\nHost: x\r\n\r\n" % method)
    assert head.method == method


def test_a_target_may_be_so_long_and_no_longer() -> None:
    limits = Limits(target=50)
    longest = b"GET /%b HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 49)
    assert HeadReader(limits).feed(longest) is not None
    assert refusal_of(longest.replace(b"/a", b"/aa"), limits) is TARGET_TOO_LONG
    assert refusal_of(b"GET /" + b"a" * 100, limits) is TARGET_TOO_LONG


def test_fields_may_be_so_large_and_no_larger() -> None:
    limits = Limits(header_bytes=50)
    largest = b"GET / HTTP/1.1\r\nHost: x\r\nX: %b\r\n\r\n" % (b"a" * 36)
    assert HeadReader(limits).feed(largest) is not None
    assert refusal_of(largest.replace(b" a", b" aa"), limits) is HEADERS_TOO_LARGE
    assert refusal_of(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100, limits) is HEADERS_TOO_LARGE


def test_fields_may_be_so_many_and_no_more() -> None:
    limits = Limits(header_fields=3)
    most = b"GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\n\r\n"
    assert HeadReader(limits).feed(most) is not None
    assert refusal_of(most[:-2] + b"C: 3\r\n\r\n", limits) is HEADERS_TOO_LARGE
