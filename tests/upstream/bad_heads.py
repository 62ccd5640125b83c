"""Heads of answers that must never be passed on, as lists of lines."""

from __future__ import annotations

from gateway.upstream.head import MAX_FIELDS

OK = b"HTTP/1.1 200 OK"
BAD_HEADS: dict[str, list[bytes]] = {
    "length twice": [OK, b"Content-Length: 5", b"Content-Length: 5"],
    "length listed": [OK, b"Content-Length: 5, 5"],
    "length signed": [OK, b"Content-Length: +5"],
    "length negative": [OK, b"Content-Length: -5"],
    "length in hex": [OK, b"Content-Length: 0x5"],
    "length empty": [OK, b"Content-Length:"],
    "length of 16 digits": [OK, b"Content-Length: 1000000000000000"],
    "length twice, on HEAD's terms": [b"HTTP/1.1 304 Not Modified", b"Content-Length: 5", b"Content-Length: 6"],
    "length beside chunked": [OK, b"Content-Length: 5", b"Transfer-Encoding: chunked"],
    "chunked beside length": [OK, b"Transfer-Encoding: chunked", b"Content-Length: 5"],
    "coding before chunked": [OK, b"Transfer-Encoding: gzip, chunked"],
    "coding after chunked": [OK, b"Transfer-Encoding: chunked, gzip"],
    "coding unknown": [OK, b"Transfer-Encoding: xchunked"],
    "coding identity": [OK, b"Transfer-Encoding: identity"],
    "coding empty": [OK, b"Transfer-Encoding:"],
    "chunked twice": [OK, b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"],
    "chunked in 1.0": [b"HTTP/1.0 200 OK", b"Transfer-Encoding: chunked"],
    "control byte in a value": [OK, b"X: a\x01b"],
    "NUL in a value": [OK, b"X: a\0b"],
    "control byte in the reason": [b"HTTP/1.1 200 O\x1bK"],
    "NUL in the reason": [b"HTTP/1.1 200 O\0K"],
    "bare CR": [OK, b"X: a\rSet-Cookie: b=c"],
    "bare LF": [OK, b"X: a\nSet-Cookie: b=c"],
    "folded line": [OK, b"X: a", b" b"],
    "space before the colon": [OK, b"X : a"],
    "no colon": [OK, b"nonsense"],
    "no name": [OK, b": a"],
    "version 2": [b"HTTP/2.0 200 OK"],
    "version 1.2": [b"HTTP/1.2 200 OK"],
    "lower case": [b"http/1.1 200 OK"],
    "status of two digits": [b"HTTP/1.1 20 OK"],
    "status of four digits": [b"HTTP/1.1 2000 OK"],
    "status below 100": [b"HTTP/1.1 099 OK"],
    "two spaces": [b"HTTP/1.1  200 OK"],
    "101 unasked": [b"HTTP/1.1 101 Switching Protocols", b"Connection: upgrade", b"Upgrade: websocket"],
    "101 without an upgrade": [b"HTTP/1.1 101 Switching Protocols"],
    "too many fields": [OK, *[b"X: y"] * (MAX_FIELDS + 1)],
}
