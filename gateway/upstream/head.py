"""The head of an answer: bytes in, `AnswerHead` or `BadAnswer` out. No sockets, no state.

llhttp checks the grammar: tokens, line ends, control bytes in values, a Content-Length that is not one plain number or
stands beside Transfer-Encoding. What it lets through and a proxy must not pass on is refused here: other transfer
codings, chunks in HTTP/1.0, control bytes in the reason, a flood of fields, a change of protocol nobody asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from gateway.upstream.errors import BadAnswer

#: Bytes of an answer's heads, interim ones included.
MAX_HEAD = 64 * 1024
MAX_FIELDS = 200

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_VERSIONS = frozenset(("1.0", "1.1"))
_BODILESS = frozenset((204, 304))
#: 15 digits are a petabyte: no such body is meant, and no arithmetic downstream overflows.
_MAX_DIGITS = 15


@dataclass(slots=True)
class AnswerHead:
    """Status and headers of a final answer: names in lower case, values as received, order and repetition kept."""

    status: int
    reason: bytes
    headers: list[tuple[bytes, bytes]]
    http_version: str
    length: int | None  # bytes of body that follow; None: unknown until the end
    chunked: bool = False
    keep_alive: bool = False  # the backend means to go on with the connection


class _Fields:
    """Collects what llhttp finds."""

    __slots__ = ("headers", "reason")

    def __init__(self) -> None:
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []

    def on_status(self, reason: bytes) -> None:
        self.reason = reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value.rstrip(b" \t")))


def parse_head(address: str, raw: bytes, method: bytes, upgrade: bytes | None = None) -> AnswerHead:
    """Read one whole head, from `HTTP/1.` to the empty line. `method` is that of the request it answers,
    `upgrade` the protocol that it asked for, in lower case: a 101 must agree to that one.

    Raises BadAnswer.
    """
    if raw.count(b"\n") - 2 > MAX_FIELDS:
        raise BadAnswer(address, f"more than {MAX_FIELDS} header fields")
    if raw[9:12] == b"101" and upgrade is None:
        raise BadAnswer(address, "101 although no upgrade was asked for")
    fields = _Fields()
    parser = HttpResponseParser(fields)
    try:
        parser.feed_data(raw)
    except HttpParserUpgrade:
        pass  # a 101: what follows is not the parser's affair
    except HttpParserError as error:
        raise BadAnswer(address, str(error)) from error
    status, version = parser.get_status_code(), parser.get_http_version()
    if status < 100 or version not in _VERSIONS or _CONTROL.search(fields.reason):
        raise BadAnswer(address, "malformed status line")
    head = AnswerHead(status, fields.reason, fields.headers, version, None, keep_alive=version == "1.1")
    if status == 101:
        _check_switch(address, head, upgrade)
        return head
    _read_framing(address, head)
    if method == b"HEAD" or status < 200 or status in _BODILESS:
        head.length, head.chunked = 0, False
    return head


def _check_switch(address: str, head: AnswerHead, upgrade: bytes | None) -> None:
    agreed = [value.lower() for name, value in head.headers if name == b"upgrade"]
    connection = b",".join(value.lower() for name, value in head.headers if name == b"connection")
    if agreed != [upgrade] or b"upgrade" not in [token.strip() for token in connection.split(b",")]:
        raise BadAnswer(address, "101 that does not agree to the upgrade that was asked for")


def _read_framing(address: str, head: AnswerHead) -> None:
    for name, value in head.headers:
        if name == b"content-length":
            if len(value) > _MAX_DIGITS:
                raise BadAnswer(address, "Content-Length is beyond all measure")
            head.length = int(value)
        elif name == b"transfer-encoding":
            if value.lower() != b"chunked" or head.chunked or head.http_version != "1.1":
                raise BadAnswer(address, "Transfer-Encoding is not `chunked`, once, in HTTP/1.1")
            head.chunked = True
        elif name == b"connection" and b"close" in value.lower():
            head.keep_alive = False
