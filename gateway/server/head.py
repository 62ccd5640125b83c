"""Reads one request head after another from the bytes of a connection. llhttp parses, `head_rules.py` judges.

The parser is given heads alone: this module finds where a head ends, and `body.py` reads bodies. So an upgrade that
nobody asked for costs no body, the bytes behind a message are known exactly, and trailers never mix with headers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httptools

from gateway.server import head_rules
from gateway.server.refusals import HEADERS_TOO_LARGE, MALFORMED, TARGET_TOO_LONG, UNKNOWN_METHOD, Refused

if TYPE_CHECKING:
    from gateway.server.limits import Limits

#: A request line is its target and at most so much more: the longest method, two spaces, the version.
_LINE_BESIDES_TARGET = 32

#: The two spaces and the version.
_LINE_BESIDES_BOTH = 10

#: llhttp would also take HTTP/0.9 and 2.0, RTSP and ICE.
_VERSIONS = (b" HTTP/1.1", b" HTTP/1.0")

#: A whole request line but for its method, which may be any token (RFC 9110 9.1).
_METHOD_AND_MORE = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+ [!-~]+ HTTP/1\.[01]")


@dataclass(slots=True)
class RequestHead:
    """A head that keeps the rules."""

    method: bytes
    target: bytes  # its own bytes
    path: bytes  # still encoded
    query: bytes
    http11: bool  # False: HTTP/1.0
    headers: list[tuple[bytes, bytes]]  # in order, names in lower case
    length: int  # of the body in bytes; 0: none; head_rules.CHUNKED
    keep_alive: bool = False
    expects_continue: bool = False
    websocket: bool = False  # asks for an upgrade to websocket, in the one way there is: a GET without a body


class HeadReader:
    """Reads one connection's heads, in order. Not to be fed again after `Refused`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._raw = b""  # of an unfinished head
        self._parser: httptools.HttpRequestParser | None = None
        self._method = b""
        self._keep_alive = False
        self._upgrades = False
        self._begin()

    @property
    def has_begun(self) -> bool:
        """Some of a head was read, but not all."""
        return bool(self._raw)

    @property
    def unfinished(self) -> bytes:
        """What was read of a head that is not whole."""
        return self._raw

    def feed(self, data: bytes) -> tuple[RequestHead, bytes] | None:
        """A whole head and the bytes behind it, or None: more is needed. Raises `Refused`."""
        known = len(self._raw)
        raw = self._raw + data if known else data.lstrip(b"\r\n")  # RFC 9112 2.2: empty lines before a request
        end = raw.find(b"\r\n\r\n", max(known - 3, 0)) + 4
        complete = end > 3
        head = raw[:end] if complete else raw
        line = self._request_line(head)
        self._parse(head[known:], line)
        if self._is_parsed != complete:  # llhttp and we do not see the same end
            raise Refused(MALFORMED)
        if not complete:
            self._raw = raw
            return None
        return self._judge(line), raw[end:]

    def close(self) -> None:
        """Drops the parser: it and its reader refer to each other."""
        self._parser = None

    def _begin(self) -> None:
        self._raw = b""
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._is_parsed = False
        if self._parser is None:
            self._parser = httptools.HttpRequestParser(self)

    def _request_line(self, head: bytes) -> bytes:
        """The first line of `head`, or what there is of it. Sizes are judged before anything is parsed."""
        end = head.find(b"\r\n")
        line = head if end < 0 else head[:end]
        if end >= 0 and not line.endswith(_VERSIONS):
            raise Refused(MALFORMED)
        if len(line) > self._limits.target + _LINE_BESIDES_TARGET:
            raise Refused(TARGET_TOO_LONG)
        if len(head) - len(line) - 4 > self._limits.header_bytes:
            raise Refused(HEADERS_TOO_LARGE)
        return line

    def _parse(self, data: bytes, line: bytes) -> None:
        assert self._parser is not None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # the head is whole, and the body is not the parser's affair
        except httptools.HttpParserInvalidMethodError:
            raise Refused(UNKNOWN_METHOD if _METHOD_AND_MORE.fullmatch(line) else MALFORMED) from None
        except httptools.HttpParserError:
            raise Refused(MALFORMED) from None

    def _judge(self, line: bytes) -> RequestHead:
        method, target, headers = self._method, self._target, self._headers
        http11 = line.endswith(b"1.1")
        if len(line) != len(method) + len(target) + _LINE_BESIDES_BOTH:
            raise Refused(MALFORMED)  # more than one space, which llhttp lets pass
        if len(target) > self._limits.target:
            raise Refused(TARGET_TOO_LONG)
        if len(headers) > self._limits.header_fields:
            raise Refused(HEADERS_TOO_LARGE)
        head_rules.check_method(method)
        fields = head_rules.notable_fields(headers)
        head_rules.check_host(fields, http11=http11)
        path, query = head_rules.split_target(method, target, fields.get(b"host"))
        length = head_rules.body_length(fields, http11=http11)
        head = RequestHead(method, target, path, query, http11, headers, length)
        if self._upgrades and http11 and method == b"GET" and length == 0:
            head.websocket = fields.get(b"upgrade", b"").lower() == b"websocket"
        head.keep_alive = http11 and self._keep_alive and not head.websocket
        head.expects_continue = http11 and fields.get(b"expect", b"").lower() == b"100-continue"
        if length or self._upgrades:
            self._parser = None  # it waits for a body, or believes that this is no longer HTTP
        self._begin()
        return head

    # Called by the parser.

    def on_url(self, piece: bytes) -> None:
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        self._is_parsed = True
        self._method = self._parser.get_method()
        self._keep_alive = self._parser.should_keep_alive()
        self._upgrades = self._parser.should_upgrade()
