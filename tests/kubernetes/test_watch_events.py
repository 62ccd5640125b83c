from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from gateway.kubernetes.collection import Collection, Resource
from gateway.kubernetes.errors import Gone, NoAnswer, Question, Refused
from gateway.kubernetes.watch_events import Change, lines, parse_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WATCH = Question("watch", Collection(Resource("", "v1", "pods"), "default"))


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        yield piece


@pytest.mark.anyio
async def test_lines_come_in_any_pieces() -> None:
    async with aclosing(lines(pieces(b"on", b"e\ntwo\nthr", b"ee\n"))) as found:
        assert [line async for line in found] == [b"one", b"two", b"three"]


@pytest.mark.anyio
async def test_only_a_line_feed_ends_a_line() -> None:
    text = '{"annotation": "\x85\u2028"}'.encode()
    async with aclosing(lines(pieces(text + b"\nrest"))) as found:
        assert [line async for line in found] == [text, b"rest"]


def test_an_event() -> None:
    event = parse_event(WATCH, b'{"type": "ADDED", "object": {"metadata": {"name": "a", "resourceVersion": "7"}}}')
    assert (event.change, event.version) == (Change.ADDED, "7")


def test_a_bookmark_has_no_name() -> None:
    event = parse_event(WATCH, b'{"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "8"}}}')
    assert (event.change, event.version) == (Change.BOOKMARK, "8")


def test_an_error_is_raised() -> None:
    with pytest.raises(Gone, match="410 too old"):
        parse_event(WATCH, b'{"type": "ERROR", "object": {"code": 410, "message": "too old"}}')
    with pytest.raises(Refused, match="500"):
        parse_event(WATCH, b'{"type": "ERROR", "object": {"code": 500}}')


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b"[]",
        b"null",
        b'{"type": "ADDED"}',
        b'{"type": "ADDED", "object": {}}',
        b'{"type": "ADDED", "object": {"metadata": {"resourceVersion": "7"}}}',
        b'{"type": "ADDED", "object": {"metadata": {"name": "a", "resourceVersion": ""}}}',
        b'{"type": "SURPRISE", "object": {"metadata": {"name": "a", "resourceVersion": "7"}}}',
        b'{"type": "ERROR", "object": {}}',
        b'{"type": "ERROR", "object": "no"}',
    ],
)
def test_anything_else_is_malformed(line: bytes) -> None:
    with pytest.raises(NoAnswer, match="malformed"):
        parse_event(WATCH, line)
