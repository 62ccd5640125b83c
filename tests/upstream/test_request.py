from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.upstream.request import UpstreamRequest, encode_head

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HOST = (b"host", b"example.com")


async def nothing() -> AsyncIterator[bytes]:
    return
    yield


def head_of(request: UpstreamRequest) -> list[bytes]:
    return encode_head(request).split(b"\r\n")


def test_the_head_is_what_the_caller_said_in_its_order() -> None:
    twice = [HOST, (b"cookie", b"a=1"), (b"accept", b"*/*"), (b"cookie", b"b=2")]
    request = UpstreamRequest(b"GET", b"/%7Euser?q=1", twice, reusable=True)
    assert encode_head(request) == (
        b"GET /%7Euser?q=1 HTTP/1.1\r\nhost: example.com\r\ncookie: a=1\r\naccept: */*\r\ncookie: b=2\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("body", "length", "framing"),
    [
        (None, None, []),
        (b"", None, [b"content-length: 0"]),
        (b"hello", None, [b"content-length: 5"]),
        (b"hello", 7, [b"content-length: 5"]),  # a length is an iterator's
        (nothing(), 7, [b"content-length: 7"]),
        (nothing(), None, [b"transfer-encoding: chunked"]),
    ],
)
def test_there_is_one_framing_and_it_is_ours(
    body: bytes | AsyncIterator[bytes] | None, length: int | None, framing: list[bytes]
) -> None:
    request = UpstreamRequest(b"POST", b"/", [HOST], body, length, reusable=True)
    assert head_of(request)[2:-2] == framing


def test_what_must_run_at_most_once_asks_for_the_end_of_the_connection() -> None:
    assert b"connection: close" in head_of(UpstreamRequest(b"POST", b"/", [HOST]))


@pytest.mark.parametrize("name", [b"content-length", b"Content-Length", b"transfer-encoding", b"Connection"])
def test_a_framing_of_the_callers_is_refused(name: bytes) -> None:
    with pytest.raises(ValueError, match="not the caller's"):
        encode_head(UpstreamRequest(b"POST", b"/", [HOST, (name, b"5")], b"hello"))


@pytest.mark.parametrize(
    ("method", "target", "header"),
    [
        (b"GET", b"/", (b"x", b"a\r\nevil: yes")),
        (b"GET", b"/", (b"x", b"a\nevil: yes")),
        (b"GET", b"/", (b"x", b"a\rb")),
        (b"GET", b"/", (b"x\r\nevil", b"a")),
        (b"GET", b"/", (b"x", b"a\0b")),
        (b"GET", b"/ HTTP/1.1\r\n\r\nGET /evil", HOST),
        (b"GET", b"/a b", HOST),
        (b"GET /evil", b"/", HOST),
    ],
)
def test_nothing_can_split_a_request(method: bytes, target: bytes, header: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError, match="shape"):
        encode_head(UpstreamRequest(method, target, [header]))
