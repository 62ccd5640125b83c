"""Decodes a chunked body. Trailers and chunk extensions are read within bounds and dropped."""

from __future__ import annotations

from httptools import HttpParserError, HttpResponseParser

from gateway.upstream.errors import BadAnswer

#: llhttp decodes chunks only behind a head, so it is fed this one. `close` makes it refuse what follows the end.
_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
#: "0", or the last byte of a chunk extension or a trailer, and the two line breaks that end every chunked body.
_LAST = 5
#: Bytes that may come in a row without one of body: trailers, extensions, chunk heads.
MAX_BARE = 64 * 1024


class ChunkedBody:
    """Decodes the bytes that it is fed, and appends pieces of body to `pieces`."""

    __slots__ = ("_address", "_bare", "_parser", "_pieces", "_tail", "complete", "size", "surplus")

    def __init__(self, address: str, pieces: list[bytes]) -> None:
        self.complete = False
        self.surplus = False  # something came, or may have come, after the end
        self.size = 0  # bytes of body so far
        self._address = address
        self._pieces = pieces
        self._bare = 0
        self._tail = b""  # the last bytes seen
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._parser.feed_data(_HEAD)

    def feed(self, data: bytes) -> None:
        """Decode `data`. Raises BadAnswer if the coding is broken, or trailers and extensions go beyond the bound."""
        if self._parser is None:
            self.surplus = True
            return
        before = self.size
        self._tail = (self._tail + data[-_LAST:])[-_LAST:]
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            if not self.complete:
                raise BadAnswer(self._address, f"in a chunked body: {error}") from error
            self.surplus = True
        if self.complete:
            self._parser = None  # it holds us as we hold it
            self.surplus = self.surplus or not self._ended_exactly()
        else:
            self._bare = self._bare + len(data) if self.size == before else 0
            if self._bare > MAX_BARE:
                raise BadAnswer(self._address, "no end of trailers or chunk extensions")

    def on_body(self, piece: bytes) -> None:
        """Called by the parser."""
        self._pieces.append(piece)
        self.size += len(piece)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self.complete = True

    def _ended_exactly(self) -> bool:
        """Whether nothing followed the end: llhttp passes over stray line breaks after it in silence."""
        return self._tail.endswith(b"\r\n\r\n") and self._tail[0] not in b"\r\n"
