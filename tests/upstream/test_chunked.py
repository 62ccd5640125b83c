from __future__ import annotations

import pytest

from gateway.upstream.chunked import MAX_BARE, ChunkedBody
from gateway.upstream.errors import BadAnswer


def decode(*wire: bytes) -> tuple[bytes, ChunkedBody]:
    pieces: list[bytes] = []
    body = ChunkedBody("pod:80", pieces)
    for data in wire:
        body.feed(data)
    return b"".join(pieces), body


@pytest.mark.parametrize(
    "wire",
    [
        b"5\r\nhello\r\n0\r\n\r\n",
        b"00005\r\nhello\r\n000\r\n\r\n",
        b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        b"5;why=not\r\nhello\r\n0;last\r\n\r\n",
        b"5\r\nhello\r\n0\r\nX-Checksum: 1\r\nX-Empty:\r\n\r\n",
    ],
)
def test_extensions_and_trailers_are_dropped(wire: bytes) -> None:
    found, body = decode(wire)
    assert (found, body.complete, body.surplus) == (b"hello", True, False)


@pytest.mark.parametrize(
    "after", [b"x", b"\n", b"\r\n", b"\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"]
)
@pytest.mark.parametrize("last", [b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n"])
def test_what_follows_the_end_is_cut_and_noticed(last: bytes, after: bytes) -> None:
    for wire in ([b"5\r\nhello\r\n" + last + after], [b"5\r\nhello\r\n" + last, after]):
        found, body = decode(*wire)
        assert (found, body.complete, body.surplus) == (b"hello", True, True)


@pytest.mark.parametrize(
    "wire",
    [
        b"+5\r\nhello",
        b"0x5\r\nhello",
        b"5 \r\nhello",
        b"5\nhello",
        b"\r\nhello",
        b"5\r\nhelloo",
        b"5\r\nhello\n0\r\n\r\n",
        b"5;a=\0\r\nhello",
        b"fffffffffffffffff\r\n",
        b"0\r\nContent-Length: 5\r\n\r\n",
        b"0\r\nX: a\nY: b\r\n\r\n",
    ],
)
def test_broken_chunks(wire: bytes) -> None:
    with pytest.raises(BadAnswer):
        decode(wire)


@pytest.mark.parametrize("endless", [b"X: y\r\n", b"x" * 512])
def test_trailers_must_end_some_day(endless: bytes) -> None:
    with pytest.raises(BadAnswer, match="no end"):
        decode(b"0\r\n", *[endless] * (MAX_BARE // len(endless) + 1))
