"""Reads one request's body from the bytes of a connection and knows exactly where it ends. Pure.

A reader is fed until it is `done`, and returns content and the bytes behind the body. Chunk extensions and trailers are
read within bounds and dropped.
"""

from __future__ import annotations

import enum
import re
from typing import Protocol

from gateway.server.refusals import BAD_CHUNK, SMALL_CHUNKS, Refused

_MOST_SIZE_DIGITS = 15  # no size overflows anywhere

#: So many chunks must bring so many bytes of content on average. Each costs about 1.2 µs, whatever its size: a body of
#: one-byte chunks 500 times what the same bytes on the wire cost in chunks of 4 KiB, one of 32-byte chunks 75 times.
CHUNKS, LEAST_CONTENT = 1024, 32

#: RFC 9112 7.1, without the white space that recipients disagree about.
_SIZE_LINE = re.compile(rb"""([0-9A-Fa-f]{1,15})((?:;[!#$%&'*+\-.^_`|~0-9A-Za-z;="]*)?)""")
_TRAILER_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t\x20-\x7e\x80-\xff]*")

#: Trailers that would frame the body (RFC 9110 6.5.1): they are meant for a recipient that reads it differently.
_NO_TRAILERS = frozenset({b"content-length", b"transfer-encoding"})


class BodyReader(Protocol):
    """Reads a body, whatever its framing."""

    done: bool

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Content, and what lies behind the body (empty until `done`). Raises `Refused`."""
        ...


class CountedBody:
    """A body of a stated length."""

    __slots__ = ("_left", "done")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """See `BodyReader`."""
        content = data[: self._left]  # data itself, uncopied, if all of it is ours
        self._left -= len(content)
        self.done = self._left == 0
        return content, data[len(content) :]


class _Line(enum.Enum):
    """What the next line of a chunked body is."""

    SIZE = enum.auto()
    CONTENT_END = enum.auto()
    TRAILER = enum.auto()


class ChunkedBody:
    """A body in chunks:

    size line -> content -> end of content -> size line ...        size 0 -> trailer lines -> empty line: done
    """

    __slots__ = ("_chunks", "_content", "_extras_left", "_left", "_next", "_unread", "done")

    def __init__(self, most_extras: int) -> None:
        self.done = False
        self._next = _Line.SIZE
        self._left = 0  # of the current chunk's content
        self._extras_left = most_extras
        self._chunks = self._content = 0  # since the last look at their average
        self._unread = b""  # an unfinished line

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """See `BodyReader`."""
        if self._unread:
            data, self._unread = self._unread + data, b""
        pieces: list[bytes] = []
        at = 0
        while not self.done:
            if self._left:
                piece = data[at : at + self._left]
                pieces.append(piece)
                self._left -= len(piece)
                at += len(piece)
            if self._left:
                break
            end = data.find(b"\r\n", at)
            if end < 0:
                self._keep_unfinished(data[at:])
                break
            self._read_line(data[at:end])
            at = end + 2
        content = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        return content, data[at:] if self.done else b""

    def _read_line(self, line: bytes) -> None:
        if self._next is _Line.SIZE:
            self._read_size(line)
        elif self._next is _Line.CONTENT_END:
            if line:
                raise Refused(BAD_CHUNK)
            self._next = _Line.SIZE
        elif line:
            self._read_trailer(line)
        else:
            self.done = True

    def _read_size(self, line: bytes) -> None:
        parts = _SIZE_LINE.fullmatch(line)
        if parts is None:
            raise Refused(BAD_CHUNK)
        self._spend(len(parts[2]))
        self._left = int(parts[1], 16)
        self._count(self._left)
        self._next = _Line.CONTENT_END if self._left else _Line.TRAILER

    def _count(self, content: int) -> None:
        """What is still to come counts, too: it costs nothing before it does."""
        self._chunks += 1
        self._content += content
        if self._chunks == CHUNKS:
            if self._content < CHUNKS * LEAST_CONTENT:
                raise Refused(SMALL_CHUNKS)
            self._chunks = self._content = 0

    def _read_trailer(self, line: bytes) -> None:
        parts = _TRAILER_LINE.fullmatch(line)
        if parts is None or parts[1].lower() in _NO_TRAILERS:
            raise Refused(BAD_CHUNK)
        self._spend(len(line))

    def _keep_unfinished(self, line: bytes) -> None:
        """Keeps the start of a line. One that cannot become a valid line is refused now, not when its end arrives."""
        if self._next is _Line.CONTENT_END:
            hopeful = b"\r".startswith(line)
        elif self._next is _Line.SIZE and line:
            hopeful = _SIZE_LINE.fullmatch(line.removesuffix(b"\r")) is not None
        else:
            hopeful = True
        if not hopeful or len(line) > self._extras_left + _MOST_SIZE_DIGITS:
            raise Refused(BAD_CHUNK)
        self._unread = line

    def _spend(self, extras: int) -> None:
        self._extras_left -= extras
        if self._extras_left < 0:
            raise Refused(BAD_CHUNK)
