"""Reads one answer from the bytes of a connection: head, body and where it ends. No sockets. Of interim heads, the
hints of a 103 are kept, the others are dropped.

    head ──> counted ───┐   `feed` moves it on; `end` says what the connection's end makes of the answer.
         ├─> chunked ───┼─> complete
         ├─> until EOF ─┘
         └─> 101: what follows is kept for the tunnel that takes the connection over

The result does not depend on how the bytes were cut into pieces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.upstream.chunked import ChunkedBody
from gateway.upstream.errors import BadAnswer, BrokeBeforeHead, CutShort, UpstreamError
from gateway.upstream.head import MAX_HEAD, parse_head

if TYPE_CHECKING:
    from gateway.upstream.head import AnswerHead

_BEGINNING = b"HTTP/1."
_END_OF_HEAD = b"\r\n\r\n"

#: Heads with hints that are kept of one answer; the others are dropped.
_MOST_HINTS = 8


class Answer:
    """One answer, as far as it has come. `take` hands out each part of the body once."""

    __slots__ = (
        "_address",
        "_chunks",
        "_head_bytes",
        "_hints_left",
        "_method",
        "_partial",
        "_pieces",
        "_size",
        "_surplus",
        "_upgrade",
        "complete",
        "head",
        "hints",
        "unread",
    )

    def __init__(self, address: str, method: bytes, upgrade: bytes | None = None) -> None:
        """`method` and `upgrade` are those of the request."""
        self.head: AnswerHead | None = None
        self.hints: tuple[AnswerHead, ...] = ()  # heads of 103 (RFC 8297) that nobody has taken
        self.complete = False
        self._address = address
        self._method = method
        self._upgrade = upgrade
        self._partial = bytearray()  # a head that is not whole yet
        self._head_bytes = 0  # of interim heads
        self._hints_left = _MOST_HINTS
        self._pieces: list[bytes] = []
        self._size = 0  # bytes of body received
        self.unread = 0  # of which not yet taken
        self._chunks: ChunkedBody | None = None
        self._surplus = False

    @property
    def switches(self) -> bool:
        """The backend agreed to speak another protocol."""
        return self.head is not None and self.head.status == 101

    @property
    def leaves_connection_clean(self) -> bool:
        """The connection can carry another request: the answer's end was certain, nothing followed it, and the backend
        keeps the connection open."""
        return (
            self.complete
            and not self._surplus
            and self.head is not None
            and self.head.keep_alive
            and (self.head.chunked or self.head.length is not None)
        )

    def take(self) -> bytes:
        """All of the body that has come since the last call, in one piece."""
        pieces = self._pieces
        self.unread = 0
        piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        return piece

    def feed(self, data: bytes) -> None:
        """Read `data`. Raises BadAnswer, after which nothing more may be fed."""
        if self.head is None:
            data = self._feed_head(data)
        if data:
            self._feed_body(data)

    def end(self, how: str, *, orderly: bool) -> UpstreamError | None:
        """The connection has ended, by the backend's FIN if `orderly`. Returns the error that this is, if it is one."""
        if self.complete:
            return None
        head = self.head
        if head is None:
            began = self._head_bytes + len(self._partial)
            if began:
                return BadAnswer(self._address, f"{how} after {began} bytes of a head")
            return BrokeBeforeHead(self._address, f"{how} before it answered")
        if orderly and head.length is None and not head.chunked:
            self.complete = True
            return None
        return CutShort(self._address, f"{how} after {self._size} bytes of {_expected(head)}")

    def _feed_head(self, data: bytes) -> bytes:
        """Returns what follows the final head; b"" while that head has not come."""
        if self._partial:
            searched = max(0, len(self._partial) - len(_END_OF_HEAD) + 1)
            self._partial += data
            if self._partial.find(_END_OF_HEAD, searched) < 0:
                self._keep_partial(self._partial)
                return b""
            data, self._partial = bytes(self._partial), bytearray()
        while (end := data.find(_END_OF_HEAD)) >= 0:
            end += len(_END_OF_HEAD)
            raw, data = data[:end], data[end:]
            self._check_bounds(raw)
            head = parse_head(self._address, raw, self._method, self._upgrade)
            if head.status >= 200 or head.status == 101:
                self._begin_body(head)
                return data
            self._head_bytes += end
            if head.status == 103 and self._hints_left:
                self._hints_left -= 1
                self.hints += (head,)
        self._keep_partial(bytearray(data))
        return b""

    def _keep_partial(self, data: bytearray) -> None:
        self._check_bounds(data)
        self._partial = data

    def _check_bounds(self, data: bytes | bytearray) -> None:
        if not _BEGINNING.startswith(bytes(data[: len(_BEGINNING)])):
            raise BadAnswer(self._address, f"not HTTP/1: {bytes(data[:16])!r}")
        if self._head_bytes + len(data) > MAX_HEAD:
            raise BadAnswer(self._address, f"more than {MAX_HEAD} bytes of head")

    def _begin_body(self, head: AnswerHead) -> None:
        self.head = head
        if head.chunked:
            self._chunks = ChunkedBody(self._address, self._pieces)
        self.complete = head.length == 0

    def _feed_body(self, data: bytes) -> None:
        if self._chunks is not None:
            self._feed_chunks(self._chunks, data)
        elif self.complete:
            self._surplus = True
        else:
            self._feed_plain(data)

    def _feed_chunks(self, chunks: ChunkedBody, data: bytes) -> None:
        try:
            chunks.feed(data)
        finally:
            self.unread += chunks.size - self._size  # what came before an error counts
            self._size = chunks.size
        self._surplus = chunks.surplus
        self.complete = chunks.complete

    def _feed_plain(self, data: bytes) -> None:
        length = self.head.length if self.head is not None else None
        if length is not None and self._size + len(data) >= length:
            self._surplus = self._size + len(data) > length
            data = data[: length - self._size]
            self.complete = True
        self._pieces.append(data)
        self._size += len(data)
        self.unread += len(data)


def _expected(head: AnswerHead) -> str:
    if head.chunked:
        return "a chunked body"
    return "a body without a known end" if head.length is None else f"{head.length}"
