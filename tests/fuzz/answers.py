"""Answers of backends: not to be trusted, or one answer, framed once, as any reader would read it; and what reaches the
client is one answer with the same body again.

    data = how it is cut and asked for, the bytes of the connection
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import httptools

from gateway.proxy.headers.passed_on import answer_headers
from gateway.server import answer as to_client
from gateway.upstream.answer import Answer
from gateway.upstream.errors import BadAnswer, UpstreamError
from tests.fuzz.pieces import cut, split_off

_DATE = b"date: Tue, 01 Jan 2030 00:00:00 GMT"
_FIELD = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+: ?[\t\x20-\x7e\x80-\xff]*")

_OK = b"HTTP/1.1 200 OK\r\n"
SEEDS = [
    b"\x00" + _OK + b"Content-Length: 5\r\n\r\nhello",
    b"\x02" + _OK + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
    b"\x05" + _OK + b"Set-Cookie: a=1\r\nSet-Cookie: sd=2\r\n\r\nuntil it ends",
    b"\x04HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    + _OK
    + b"Content-Length: 0\r\n\r\n",
    b"\x03HTTP/1.0 404 Not Found\r\nConnection: X-Y\r\nX-Y: z\r\nContent-Length: 1\r\n\r\nab",
    b"\x81HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
    b"\x81" + _OK + b"Content-Length: 7\r\n\r\n",
    b"\x00HTTP/1.1 204 No Content\r\n\r\n",
    b"\x00HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00",
    b"\x00" + _OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"\x00" + _OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
]


@dataclass
class _Read:
    """What was made of it."""

    answer: Answer
    body: bytes
    error: type[UpstreamError] | None

    def told(self) -> object:
        """Everything that somebody could notice."""
        head = self.answer.head
        fields = (head.status, head.reason, head.headers, head.length, head.chunked) if head else None
        return fields, self.body, self.error, self.answer.complete, self.answer.leaves_connection_clean


def check(data: bytes) -> None:
    """Bad, or good for everybody."""
    choice, wire = split_off(data)
    method = b"HEAD" if choice >= 128 else b"GET"
    found = _read([wire], method)
    assert found.told() == _read(cut(wire, choice % 128), method).told(), "cutting changed it"
    if found.answer.head is not None:
        _check_head(found.answer)
        if found.answer.complete and found.error is None:
            _check_relayed(found.answer, found.body, method)


def _read(pieces: list[bytes], method: bytes) -> _Read:
    """All of it, and then the backend closes."""
    answer = Answer("pod:80", method)
    error: UpstreamError | None = None
    try:
        for piece in pieces:
            answer.feed(piece)
    except BadAnswer as bad:
        error = bad
    if error is None:
        error = answer.end("it ended", orderly=True)
    return _Read(answer, answer.take(), type(error) if error else None)


def _check_head(answer: Answer) -> None:
    head = answer.head
    assert head is not None
    assert 200 <= head.status <= 999
    lines = [b"%b: %b" % field for field in head.headers]
    assert all(_FIELD.fullmatch(line) for line in lines), "a line that is not a field"
    names = [name for name, _ in head.headers]
    assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1, "framed twice"
    assert not answer.leaves_connection_clean or head.http_version == "1.1"


class _Client:
    """Reads answers as browsers do: with llhttp."""

    def __init__(self) -> None:
        self.body = b""
        self.complete = 0

    def on_body(self, piece: bytes) -> None:
        self.body += piece

    def on_message_complete(self) -> None:
        self.complete += 1


def _check_relayed(answer: Answer, body: bytes, method: bytes) -> None:
    head = answer.head
    assert head is not None
    out = to_client.Answer(http11=True, head_only=method == b"HEAD")
    headers = answer_headers(head.headers, session_cookie=b"sd", set_cookie=b"sd=ours", ours=[(b"x-request-id", b"4a")])
    wire = out.head(head.status, headers, keep_alive=True, date=_DATE) + b"".join(out.body(body, more=False))
    assert not out.falls_short
    client = _Client()
    if method == b"HEAD":
        assert wire.endswith(b"\r\n\r\n"), "a body that nobody asked for"
        assert body == b""
        return
    parser = httptools.HttpResponseParser(client)
    parser.feed_data(wire)
    assert (parser.get_status_code(), client.body, client.complete) == (head.status, body, 1)
    cookies = [line for line in wire.split(b"\r\n\r\n")[0].split(b"\r\n") if line.startswith(b"set-cookie: sd=")]
    assert cookies == [b"set-cookie: sd=ours"], "a session of the backend's own making"
