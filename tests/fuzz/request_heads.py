"""The listening side's rules for heads and bodies: what is accepted is one request, framed once, as any reader would
read it, and it goes to the backend as exactly one request again.

The reader below knows only RFC 9112 and splits lines; it shares nothing with the gateway's.
"""

from __future__ import annotations

import re
from dataclasses import astuple
from typing import TYPE_CHECKING

from gateway.proxy.headers.forwarded import TrustedProxies
from gateway.proxy.headers.passed_on import request_headers
from gateway.server import head_rules
from gateway.server.body import BodyReader, ChunkedBody, CountedBody
from gateway.server.head import HeadReader, RequestHead
from gateway.server.limits import Limits
from gateway.server.refusals import Refused
from gateway.upstream.request import UpstreamRequest, encode_head
from tests.fuzz.pieces import cut, split_off

if TYPE_CHECKING:
    from collections.abc import Iterable

_LIMITS = Limits(target=200, header_bytes=1000, header_fields=10, chunk_extras=50)
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")
_CHUNK = re.compile(rb"([0-9A-Fa-f]+)(;[^\r\n]*)?")
_TWINS = bytes.maketrans(b"_.", b"--")
_PROXIES = TrustedProxies([])

_GET = b"GET /a?b HTTP/1.1\r\nHost: sd.example\r\n"
_POST = b"POST / HTTP/1.1\r\nHost: sd.example\r\n"
SEEDS = [
    b"\x00" + _GET + b"X: y \t\r\nAccept:\r\n\r\nbehind",
    b"\x05\r\n" + _GET + b"Connection: keep-alive, X-Y\r\nX-Y: z\r\nTE: trailers\r\n\r\n" + _GET + b"\r\n",
    b"\x07" + _POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello" + _GET + b"\r\n",
    b"\x03" + _POST + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n" + _GET + b"\r\n",
    b"\x03" + _POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    b"\x00" + _POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    b"\x00" + _GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n\x81\x00",
    b"\x00GET http://sd.example/x HTTP/1.0\r\nHost: sd.example\r\n\r\n",
    b"\x00" + _GET + b"Transfer_Encoding: chunked\r\nX-Forwarded-For: 1.2.3.4\r\nCookie: sd=x; a=b\r\n\r\n",
    b"\x00OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nK-Original-Host: evil\r\n\r\n",
]


def check(data: bytes) -> None:
    """Whatever comes is refused, unfinished, or one request."""
    choice, wire = split_off(data)
    found = _read_head([wire])
    in_pieces = _read_head(cut(wire, choice))
    if found is None:
        assert in_pieces is None, "accepted only in pieces"
        return
    assert in_pieces is not None, "accepted only in one piece"
    head, behind = found
    assert (astuple(head), behind) == (astuple(in_pieces[0]), in_pieces[1]), "cutting changed it"
    _check_head(head, wire.lstrip(b"\r\n")[: -len(behind) or None])
    _check_body(head.length, behind, choice)
    _check_sent_on(head)


def _read_head(pieces: Iterable[bytes]) -> tuple[RequestHead, bytes] | None:
    """None: refused, or not whole."""
    reader, left = HeadReader(_LIMITS), list(pieces)
    try:
        while left:
            if found := reader.feed(left.pop(0)):
                return found[0], found[1] + b"".join(left)
    except Refused:
        pass
    finally:
        reader.close()
    return None


def _check_head(head: RequestHead, raw: bytes) -> None:
    first, *lines = raw.removesuffix(b"\r\n\r\n").split(b"\r\n")
    assert first == b"%b %b HTTP/1.%d" % (head.method, head.target, head.http11)
    assert head.method not in (b"CONNECT", b"TRACE")
    assert re.fullmatch(rb"[\x21-\x7e]+", head.target), "llhttp lets nothing else pass"
    assert len(lines) <= _LIMITS.header_fields
    fields = [_FIELD.fullmatch(line) for line in lines]
    assert all(fields), "a line that is not a field"
    assert head.headers == [(field[1].lower(), field[2]) for field in fields if field]
    names = [name for name, _ in head.headers]
    assert names.count(b"host") == 1 or (not head.http11 and b"host" not in names)
    assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
    values = dict(head.headers)
    assert (head.length == head_rules.CHUNKED) is (b"transfer-encoding" in values)
    if head.length != head_rules.CHUNKED:
        assert head.length == int(values.get(b"content-length", b"0"))
    assert not (head.websocket and (head.length or head.keep_alive))


def _check_body(length: int, wire: bytes, choice: int) -> None:
    whole, pieces = _read_body(length, [wire]), _read_body(length, cut(wire, choice))
    assert whole == pieces, "cutting changed it"
    if whole is not None:
        expected = _chunks(wire) if length == head_rules.CHUNKED else (wire[:length], wire[length:])
        assert whole == expected, "others read it differently"


def _read_body(length: int, pieces: Iterable[bytes]) -> tuple[bytes, bytes] | None:
    """Content and what is behind it. None: refused, or not whole."""
    reader: BodyReader = ChunkedBody(_LIMITS.chunk_extras) if length == head_rules.CHUNKED else CountedBody(length)
    content = behind = b""
    try:
        for piece in pieces:
            if reader.done:
                behind += piece
            else:
                more, behind = reader.feed(piece)
                content += more
    except Refused:
        return None
    return (content, behind) if reader.done else None


def _chunks(wire: bytes) -> tuple[bytes, bytes]:
    """What RFC 9112 7.1 makes of a body that is whole. Fails if it is not one."""
    content = b""
    while True:
        line, _, wire = wire.partition(b"\r\n")
        size = _CHUNK.fullmatch(line)
        assert size, "not the size of a chunk"
        if not int(size[1], 16):
            break
        piece, wire = wire[: int(size[1], 16)], wire[int(size[1], 16) :]
        assert wire.startswith(b"\r\n"), "no end of a chunk"
        content, wire = content + piece, wire[2:]
    while line := wire.partition(b"\r\n")[0]:
        assert _FIELD.fullmatch(line), "not a trailer"
        wire = wire.partition(b"\r\n")[2]
    return content, wire.removeprefix(b"\r\n")


def _check_sent_on(head: RequestHead) -> None:
    """The backend reads one request, framed once, of the same target, and nothing of ours that a client made up."""
    origin = _PROXIES.origin(head.headers, "203.0.113.9", "http")
    headers = request_headers(head.headers, origin, request_id=b"4a", session_cookie=b"sd", dropped=[])
    body = b"x" * min(head.length, 10) if head.length >= 0 else b"hello"
    target = head.path + (b"?" + head.query if head.query else b"")
    sent = encode_head(UpstreamRequest(head.method, target, headers, body=body))
    sent = sent.replace(b"\r\nhost: \r\n", b"\r\nhost: none\r\n", 1)  # an HTTP/1.0 client's: ours refuses an empty one
    reader = HeadReader(Limits())
    found = reader.feed(sent + body)
    reader.close()
    assert found is not None, "not a whole request"
    got, behind = found
    assert (got.method, got.target, got.length, behind) == (head.method, target, len(body), body)
    names = [name for name, _ in got.headers]
    once = (b"host", b"x-forwarded-for", b"x-forwarded-proto", b"x-request-id", b"connection", b"content-length")
    assert [names.count(name) for name in once] == [1] * len(once)
    assert not [name for name in names if name.startswith((b"k-", b"knative-"))]
    twins = {twin for name in names if (twin := name.translate(_TWINS)) != name}
    assert not twins & {*once, b"transfer-encoding", b"cookie"}
    assert not [twin for twin in twins if twin.startswith((b"k-", b"knative-", b"x-forwarded-"))]
    assert not {b"expect", b"te", b"upgrade", b"transfer-encoding", b"x-real-ip"} & {*names}
