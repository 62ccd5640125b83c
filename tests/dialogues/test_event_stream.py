"""Server-sent events, however their bytes come."""

from __future__ import annotations

import pytest

from gateway.dialogues.event_stream import LINE, EventStream, Told

STREAM = b'data: {"a": 1}\n\n: a comment\n\nevent: complete\r\ndata: x\r\n\r\nevent: ping\n\ndata:y\ndata: z\n\n'
EVENTS = [
    Told(b"message", b'{"a": 1}', whole=True),
    Told(b"complete", b"x", whole=True),
    Told(b"ping", b"", whole=True),
    Told(b"message", b"y\nz", whole=True),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, len(STREAM)])
def test_they_are_the_same_however_they_are_cut(size: int) -> None:
    stream = EventStream()
    pieces = (STREAM[start : start + size] for start in range(0, len(STREAM), size))
    assert [told for piece in pieces for told in stream.feed(piece)] == EVENTS


def test_of_a_long_line_the_beginning_is_kept_and_the_next_is_read_as_ever() -> None:
    stream = EventStream()
    assert stream.feed(b"data: " + b"x" * LINE) == []
    assert stream.feed(b"x" * LINE) == []
    [long, short] = stream.feed(b"\n\ndata: short\n\n")
    assert (long.whole, long.data, short) == (False, b"x" * (LINE - 6), Told(b"message", b"short", whole=True))


def test_of_many_lines_the_first_are_kept() -> None:
    [told] = EventStream().feed(b"data: x\n" * 1000 + b"\n")
    assert told == Told(b"message", b"x\nx", whole=False)
