"""A request to a backend, and the bytes of its head.

Only this module makes framing, so that whatever the headers say, exactly one request with one framing is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: Fields that are made here; a caller's own would be a second statement of where the request ends.
_OURS = frozenset((b"connection", b"content-length", b"transfer-encoding", b"upgrade"))


@dataclass(slots=True)
class UpstreamRequest:
    """One request to a backend, complete but for its framing."""

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes | AsyncIterator[bytes] | None = None  # None: no body, no framing header
    length: int | None = None  # of an iterator's body, when known; None: chunked
    reusable: bool = False  # it may use a connection that carried another request, and leave it to the next
    upgrade: bytes | None = None  # asks to speak this protocol from here on; such a request has no body
    _head: bytes | None = field(default=None, init=False)

    def encode(self) -> bytes:
        """The head's bytes, made by the first call. Raises as `encode_head`."""
        if self._head is None:
            self._head = encode_head(self)
        return self._head


def encode_head(request: UpstreamRequest) -> bytes:
    """The head's bytes.

    Raises ValueError if the headers bring framing of their own, or if anything in them would end a line.
    """
    lines = [b"%b %b HTTP/1.1" % (request.method, request.target)]
    for name, value in request.headers:
        if name.lower() in _OURS:
            raise ValueError(f"{name.decode('latin-1')!r} is not the caller's to set")
        lines.append(b"%b: %b" % (name, value))
    if request.upgrade is not None:
        lines += (b"connection: Upgrade", b"upgrade: " + request.upgrade)
    elif not request.reusable:
        lines.append(b"connection: close")
    if request.body is not None:
        lines.append(_framing(request.body, request.length))
    head = b"%b\r\n\r\n" % b"\r\n".join(lines)
    if not _holds_one_request(head, len(lines) + 1):
        raise ValueError("a line break, a NUL or a space where it would change the request's shape")
    return head


def _framing(body: bytes | AsyncIterator[bytes], length: int | None) -> bytes:
    if isinstance(body, bytes):
        return b"content-length: %d" % len(body)
    if length is not None:
        return b"content-length: %d" % length
    return b"transfer-encoding: chunked"


def _holds_one_request(head: bytes, lines: int) -> bool:
    """The last check against request splitting: as many line breaks as were made here, three words in the first
    line."""
    return (
        head.count(b"\r") == head.count(b"\n") == lines
        and b"\0" not in head
        and head.count(b" ", 0, head.index(b"\r")) == 2
    )
