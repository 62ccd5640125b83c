from __future__ import annotations

import pytest

from gateway.upstream.errors import BadAnswer
from gateway.upstream.head import MAX_FIELDS, AnswerHead, parse_head
from tests.upstream.bad_heads import BAD_HEADS


def head(*lines: bytes, method: bytes = b"GET") -> AnswerHead:
    return parse_head("pod:80", b"\r\n".join([*lines, b"", b""]), method)


def test_names_are_lower_case_values_as_received_order_and_repetition_kept() -> None:
    found = head(b"HTTP/1.1 200 Fine, thanks", b"Set-Cookie: A=1; Path=/", b"X-Empty:", b"SET-COOKIE:  B=\xe9 \t")
    assert (found.status, found.reason, found.http_version) == (200, b"Fine, thanks", "1.1")
    assert found.headers == [(b"set-cookie", b"A=1; Path=/"), (b"x-empty", b""), (b"set-cookie", b"B=\xe9")]


@pytest.mark.parametrize(
    ("method", "lines", "length", "chunked"),
    [
        (b"GET", [b"HTTP/1.1 200 OK", b"Content-Length: 42"], 42, False),
        (b"GET", [b"HTTP/1.1 200 OK", b"Content-Length: 0"], 0, False),
        (b"GET", [b"HTTP/1.1 200 OK", b"Transfer-Encoding: Chunked"], None, True),
        (b"GET", [b"HTTP/1.1 200 OK"], None, False),
        (b"GET", [b"HTTP/1.0 200 OK", b"Content-Length: 42"], 42, False),
        (b"HEAD", [b"HTTP/1.1 200 OK", b"Content-Length: 42"], 0, False),
        (b"HEAD", [b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked"], 0, False),
        (b"HEAD", [b"HTTP/1.1 200 OK"], 0, False),
        (b"GET", [b"HTTP/1.1 304 Not Modified", b"Content-Length: 42"], 0, False),
        (b"GET", [b"HTTP/1.1 204 No Content"], 0, False),
        (b"GET", [b"HTTP/1.1 103 Early Hints"], 0, False),
    ],
)
def test_the_length_of_what_follows(method: bytes, lines: list[bytes], length: int | None, chunked: bool) -> None:
    found = head(*lines, method=method)
    assert (found.length, found.chunked) == (length, chunked)


@pytest.mark.parametrize(
    ("lines", "keep_alive"),
    [
        ([b"HTTP/1.1 200 OK"], True),
        ([b"HTTP/1.1 200"], True),
        ([b"HTTP/1.1 200 OK", b"Connection: keep-alive"], True),
        ([b"HTTP/1.1 200 OK", b"Connection: Close"], False),
        ([b"HTTP/1.1 200 OK", b"Connection: x, close"], False),
        ([b"HTTP/1.0 200 OK"], False),
    ],
)
def test_whether_the_backend_goes_on(lines: list[bytes], keep_alive: bool) -> None:
    assert head(*lines).keep_alive is keep_alive


@pytest.mark.parametrize("lines", BAD_HEADS.values(), ids=BAD_HEADS.keys())
def test_bad_heads(lines: list[bytes]) -> None:
    with pytest.raises(BadAnswer):
        head(*lines)


def test_as_many_fields_as_are_allowed() -> None:
    assert len(head(b"HTTP/1.1 200 OK", *[b"X: y"] * MAX_FIELDS).headers) == MAX_FIELDS
