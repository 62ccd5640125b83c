"""Bodies read from bytes: whatever the pieces, the content and the end are the same."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.server.body import CHUNKS, LEAST_CONTENT, BodyReader, ChunkedBody, CountedBody
from gateway.server.refusals import BAD_CHUNK, SMALL_CHUNKS, Refused

EXTRAS = 100


def read_in_pieces(reader: BodyReader, data: bytes, cuts: list[int]) -> tuple[bytes, bytes]:
    """What it made of `data`, fed in pieces that end at `cuts`."""
    content = behind = b""
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(edges):
        if reader.done:
            behind += data[start:end]
        else:
            more, behind = reader.feed(data[start:end])
            content += more
    return content, behind


@given(st.binary(), st.binary(), st.lists(st.integers(0, 1000)))
@settings(deadline=None, derandomize=True)
def test_a_counted_body_ends_where_it_said(content: bytes, behind: bytes, cuts: list[int]) -> None:
    reader = CountedBody(len(content))
    assert read_in_pieces(reader, content + behind, cuts) == (content, behind)
    assert reader.done


@given(st.lists(st.binary(min_size=1)), st.binary(), st.lists(st.integers(0, 1000)), st.booleans())
@settings(deadline=None, derandomize=True)
def test_a_chunked_body_ends_with_its_trailers(
    chunks: list[bytes], behind: bytes, cuts: list[int], with_extras: bool
) -> None:
    extension, trailers = (b";a=b", b"X-Sum: 1\r\nHost: evil\r\n") if with_extras else (b"", b"")
    data = b"".join(b"%X%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    data += b"0\r\n" + trailers + b"\r\n" + behind
    reader = ChunkedBody(4 * len(chunks) + 50)
    assert read_in_pieces(reader, data, cuts) == (b"".join(chunks), behind)
    assert reader.done


def test_a_piece_that_is_all_content_is_not_copied() -> None:
    piece = bytes(1000)
    counted, chunked = CountedBody(2000), ChunkedBody(EXTRAS)
    chunked.feed(b"7d0\r\n")
    assert counted.feed(piece)[0] is piece
    assert chunked.feed(piece)[0] is piece


@pytest.mark.parametrize(
    "data",
    [
        b"g\r\n",
        b"hello",
        b"\r\n",
        b"-1\r\n",
        b"+1\r\n",
        b"0x1\r\n",
        b"1_0\r\n",
        b" 1\r\n",
        b"1 \r\n",
        b"1 ;a\r\n",
        b"1;a\nb\r\n",
        b"1;a\x00\r\n",
        b"1;a b\r\n",
        b"1;a\xe9\r\n",
        b"1000000000000000\r\n",
        b"1\n",
        b"1\r\nab\r\n",
        b"1\r\na\n",
        b"1\r\na1\r\n",
        b"0\r\n\n\r\n",
        b"0\r\nno colon\r\n",
        b"0\r\nX : 1\r\n",
        b"0\r\nX: a\x00\r\n",
        b"0\r\nX: a\nY: b\r\n",
        b"0\r\n folded\r\n",
        b"0\r\nContent-Length: 4\r\n",
        b"0\r\ntransfer-encoding: chunked\r\n",
        b"0;" + b"a" * EXTRAS + b"\r\n",
        b"1;" + b"a" * (2 * EXTRAS),
        b"0\r\n" + b"X: 12345678\r\n" * (EXTRAS // 10),
        b"0\r\nX: " + b"a" * (2 * EXTRAS),
    ],
)
def test_a_malformed_chunk_is_refused_as_soon_as_it_shows(data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        ChunkedBody(EXTRAS).feed(data)
    assert refused.value.refusal is BAD_CHUNK


ONE_BYTE = b"1\r\nx\r\n"


def test_a_few_small_chunks_are_a_body() -> None:
    assert ChunkedBody(EXTRAS).feed(ONE_BYTE * (CHUNKS - 2) + b"0\r\n\r\n") == (b"x" * (CHUNKS - 2), b"")
    least = b"%x\r\n%b\r\n" % (LEAST_CONTENT, b"x" * LEAST_CONTENT)
    assert len(ChunkedBody(EXTRAS).feed(least * 2 * CHUNKS)[0]) == 2 * CHUNKS * LEAST_CONTENT


@pytest.mark.parametrize("large", [b"", b"ffff\r\n" + b"x" * 65_535 + b"\r\n"])
def test_a_body_of_small_chunks_is_refused_and_no_large_one_pays_for_them(large: bytes) -> None:
    with pytest.raises(Refused) as refused:
        ChunkedBody(EXTRAS).feed(large + ONE_BYTE * 2 * CHUNKS)
    assert refused.value.refusal is SMALL_CHUNKS
