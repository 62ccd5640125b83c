from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.upstream.answer import Answer
from gateway.upstream.errors import BadAnswer, BrokeBeforeHead, CutShort, UpstreamError
from gateway.upstream.head import MAX_HEAD
from tests.upstream.bad_heads import BAD_HEADS

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass
class Outcome:
    """All that a reader of an answer can tell."""

    status: int | None = None
    headers: list[tuple[bytes, bytes]] | None = None
    body: bytes = b""
    complete: bool = False
    clean: bool = False
    error: type[UpstreamError] | None = None


def read(*wire: bytes, method: bytes = b"GET", then: str = "") -> Outcome:
    """Feed the pieces; `then` the connection ends by "FIN" or "RST"."""
    answer = Answer("pod:80", method)
    error: UpstreamError | None = None
    try:
        for data in wire:
            answer.feed(data)
    except BadAnswer as bad:
        error = bad
    if then and error is None:
        error = answer.end("it ended", orderly=then == "FIN")
    head = answer.head
    return Outcome(
        head.status if head else None,
        head.headers if head else None,
        answer.take(),
        answer.complete,
        answer.leaves_connection_clean,
        type(error) if error else None,
    )


def test_interim_heads_are_dropped() -> None:
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
    assert read(early + HELLO) == read(HELLO)


def test_hints_are_kept_until_somebody_takes_them() -> None:
    answer = Answer("pod:80", b"GET")
    answer.feed(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 1")
    assert [(head.status, head.headers) for head in answer.hints] == [(103, [(b"link", b"</a.css>")])]
    assert answer.head is None


def test_hints_without_an_end_are_not_kept() -> None:
    answer = Answer("pod:80", b"GET")
    answer.feed(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" * 100 + HELLO)
    assert (len(answer.hints), answer.complete) == (8, True)


@pytest.mark.parametrize(
    ("method", "wire"),
    [
        (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        (b"HEAD", CHUNKED),
        (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
        (b"GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ],
)
def test_an_answer_without_a_body_ends_with_its_head(method: bytes, wire: bytes) -> None:
    found = read(wire, method=method)
    assert (found.body, found.complete, found.clean) == (b"", True, True)
    assert not read(wire + b"hello", method=method).clean


@pytest.mark.parametrize(
    ("wire", "clean"),
    [
        (HELLO, True),
        (CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", True),
        (HELLO + b"!", False),
        (CHUNKED + b"5\r\nhello\r\n0\r\n\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", False),
    ],
)
def test_a_connection_is_clean_if_the_end_was_certain_and_nothing_followed(wire: bytes, clean: bool) -> None:
    found = read(wire)
    assert (found.body, found.complete, found.clean) == (b"hello", True, clean)


@pytest.mark.parametrize(
    ("wire", "fin", "rst"),
    [
        (b"", BrokeBeforeHead, BrokeBeforeHead),
        (b"HTT", BadAnswer, BadAnswer),
        (b"HTTP/1.1 100 Continue\r\n\r\n", BadAnswer, BadAnswer),
        (HELLO[:-1], CutShort, CutShort),
        (CHUNKED + b"5\r\nhello\r\n", CutShort, CutShort),
        (CHUNKED + b"5\r\nhello\r\n0\r\n", CutShort, CutShort),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", None, CutShort),
        (HELLO, None, None),
    ],
)
def test_what_the_end_of_the_connection_means(
    wire: bytes, fin: type[UpstreamError] | None, rst: type[UpstreamError] | None
) -> None:
    assert (read(wire, then="FIN").error, read(wire, then="RST").error) == (fin, rst)


def test_a_body_without_a_known_end_ends_whole_but_never_clean() -> None:
    found = read(b"HTTP/1.1 200 OK\r\n\r\n", b"hel", b"lo", then="FIN")
    assert (found.body, found.complete, found.clean) == (b"hello", True, False)


def test_what_came_before_an_error_is_there() -> None:
    found = read(CHUNKED + b"5\r\nhello\r\nnonsense")
    assert (found.body, found.error) == (b"hello", BadAnswer)


@pytest.mark.parametrize(
    "wire",
    [
        [b"hello, world"],
        [b"SSH-2.0-OpenSSH_9.2\r\n"],
        [b"\r\nHTTP/1.1 200 OK\r\n\r\n"],
        [b"GET / HTTP/1.1\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\n", *[b"X: " + b"y" * 1000 + b"\r\n"] * (MAX_HEAD // 1000 + 1)],
        [b"HTTP/1.1 200 OK\r\nX: " + b"y" * MAX_HEAD + b"\r\n\r\n"],
        [b"HTTP/1.1 102 Processing\r\n\r\n"] * (MAX_HEAD // 27 + 1),
    ],
    ids=["0.9", "ssh", "line break first", "a request", "endless head", "huge head", "endless interim heads"],
)
def test_it_gives_up_as_soon_as_it_can_tell(wire: list[bytes]) -> None:
    assert read(*wire).error is BadAnswer


# ---- however the bytes were cut on their way

EXAMPLES = [
    HELLO,
    HELLO + HELLO,
    b"HTTP/1.1 100 Continue\r\n\r\n" + HELLO,
    b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nhello",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\nhello",
    CHUNKED + b"5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nX: y\r\n\r\n",
    CHUNKED + b"5\r\nhello\r\n0\r\n\r\n\r\n",
    CHUNKED + b"5\r\nhello\r\n0\r\n\r\n" + HELLO,
    CHUNKED + b"5\r\nhello\r\nnonsense",
    CHUNKED + b"5\r\nhel",
    b"HTTP/1.1 200",
    b"not HTTP",
    *[b"\r\n".join([*lines, b"", b""]) + b"hello" for lines in BAD_HEADS.values()],
]


def cut(wire: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted(place % (len(wire) + 1) for place in places), len(wire)]
    pieces = [wire[start:end] for start, end in pairwise(ends)]
    return [piece for piece in pieces if piece]


@given(
    wire=st.sampled_from(EXAMPLES),
    places=st.lists(st.integers(0, 400), max_size=12),
    method=st.sampled_from([b"GET", b"HEAD"]),
    then=st.sampled_from(["", "FIN", "RST"]),
)
def test_cutting_an_answer_anywhere_changes_nothing(wire: bytes, places: list[int], method: bytes, then: str) -> None:
    assert read(*cut(wire, places), method=method, then=then) == read(wire, method=method, then=then)


@pytest.mark.parametrize("wire", EXAMPLES)
def test_byte_by_byte(wire: bytes) -> None:
    assert read(*[bytes([byte]) for byte in wire], then="FIN") == read(wire, then="FIN")


@given(
    chunks=st.lists(st.binary(min_size=1, max_size=40), max_size=8), places=st.lists(st.integers(0, 700), max_size=12)
)
def test_any_chunks_cut_anywhere_give_the_same_body(chunks: list[bytes], places: list[int]) -> None:
    wire = CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    found = read(*cut(wire, places))
    assert (found.body, found.complete, found.clean, found.error) == (b"".join(chunks), True, True, None)


@given(
    st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nX: ", CHUNKED]), st.lists(st.binary(max_size=60))
)
def test_garbage_is_a_bad_answer_or_an_answer_and_nothing_else(start: bytes, garbage: list[bytes]) -> None:
    found = read(start, *garbage, then="RST")
    assert found.complete or found.error is not None
