"""One answer as bytes: its head, its framing towards the client, its end. Pure: the owner of the transport writes.

Content-Length given     counted        HTTP/1.1 without one     chunked
HEAD, 204, 304           a head alone   HTTP/1.0 without one     until the connection closes
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from gateway.server.phrases import phrase

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Framing(enum.Enum):
    """How a client knows where the body ends."""

    NO_BODY = enum.auto()
    COUNTED = enum.auto()
    CHUNKED = enum.auto()
    UNTIL_CLOSE = enum.auto()


#: Bound to names: looking a member up in its class is a function call in Python 3.11.
NO_BODY, COUNTED, CHUNKED, UNTIL_CLOSE = Framing

#: Fields that the listening side writes itself; `date` only if the application did not.
_OURS = frozenset({b"connection", b"content-length", b"date", b"keep-alive", b"transfer-encoding"})

_STATUS_LINES = [b"HTTP/1.1 %d %b" % (status, phrase(status).encode()) for status in range(1000)]


class Answer:
    """Encodes one answer. `head` sets `keep_alive` and `framing`."""

    __slots__ = ("_head_only", "_http11", "_left", "complete", "framing", "keep_alive")

    def __init__(self, *, http11: bool, head_only: bool) -> None:
        self._http11 = http11
        self._head_only = head_only  # the request was HEAD
        self._left = 0  # of a counted body
        self.complete = False
        self.keep_alive = True
        self.framing = NO_BODY

    @property
    def falls_short(self) -> bool:
        """The answer ended before all the bytes that its Content-Length promised."""
        return self.complete and self._left > 0

    def head(self, status: int, headers: Iterable[tuple[bytes, bytes]], *, keep_alive: bool, date: bytes) -> bytes:
        """The head. Raises ValueError rather than let a field's value split the answer."""
        lines = [_STATUS_LINES[status]]
        length: bytes | None = None
        for name, value in headers:
            lowered = name.lower()
            if lowered in _OURS:
                if lowered == b"content-length":
                    length = value
                elif lowered == b"connection":
                    keep_alive = keep_alive and b"close" not in value.lower()
                elif lowered == b"date":
                    date = name + b": " + value
            else:
                lines.append(name + b": " + value)
        lines.append(date)
        self.keep_alive = keep_alive
        self._frame(status, length, lines)
        if not self.keep_alive:
            lines.append(b"connection: close")
        return _head_of(lines)

    def _frame(self, status: int, length: bytes | None, lines: list[bytes]) -> None:
        if self._head_only or status in (204, 304):
            self.framing = NO_BODY
        elif length is not None:
            self.framing = COUNTED
            self._left = int(length)
        elif self._http11:
            self.framing = CHUNKED
            lines.append(b"transfer-encoding: chunked")
        else:
            self.framing = UNTIL_CLOSE
            self.keep_alive = False
        if length is not None and status != 204:  # RFC 9110 8.6
            lines.append(b"content-length: " + length)

    def body(self, data: bytes, *, more: bool) -> Sequence[bytes]:
        """`data` as it is written. Raises RuntimeError if it is more than Content-Length promised."""
        if self.framing is COUNTED:
            if len(data) > self._left:
                raise RuntimeError("the answer's body is longer than its Content-Length")
            self._left -= len(data)
        self.complete = not more
        if self.framing is NO_BODY:
            return ()
        if self.framing is not CHUNKED:
            return (data,)
        if not data:
            return () if more else (b"0\r\n\r\n",)
        return (b"%x\r\n" % len(data), data, b"\r\n" if more else b"\r\n0\r\n\r\n")


def switching_head(headers: Iterable[tuple[bytes, bytes]], date: bytes) -> bytes:
    """The head of a 101, behind which the connection speaks websocket. Raises ValueError as `Answer.head`."""
    fields = [name + b": " + value for name, value in headers if name.lower() not in _OURS]
    return _head_of([_STATUS_LINES[101], *fields, date, b"connection: Upgrade", b"upgrade: websocket"])


def hinting_head(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """An interim head, 103. Raises ValueError as `Answer.head`."""
    return _head_of([_STATUS_LINES[103], *(name + b": " + value for name, value in headers)])


def _head_of(lines: list[bytes]) -> bytes:
    lines += (b"", b"")
    head = b"\r\n".join(lines)
    if not head.count(b"\n") == head.count(b"\r") == len(lines) - 1 or b"\0" in head:
        raise ValueError("a header field holds a line break or NUL")
    return head
