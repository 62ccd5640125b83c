"""The rules that a request's head must keep before any application code sees it. Pure.

llhttp has already refused control bytes, folded and bare-LF lines, repeated Content-Length, and Content-Length beside
Transfer-Encoding; what llhttp lets pass is judged here. Framing is judged whole, whatever llhttp has refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.server.refusals import BAD_FRAMING, BAD_HOST, BAD_METHOD, BAD_TARGET, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: The length of a body in chunks, which tells by itself where it ends.
CHUNKED = -1

_NOTABLE = frozenset({b"host", b"content-length", b"transfer-encoding", b"expect", b"upgrade"})
_ONCE = {b"host": BAD_HOST, b"content-length": BAD_FRAMING, b"transfer-encoding": BAD_FRAMING}
_UNSERVED = frozenset({b"CONNECT", b"TRACE"})

#: uri-host [":" port] (RFC 9110 7.2, RFC 3986 3.2.2): no user, no path, no space.
_HOST = re.compile(rb"(?:[A-Za-z0-9\-._~%!$&'()*+,;=]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
_USUAL_PORT = {b"http": b":80", b"https": b":443"}
_ABSOLUTE = re.compile(rb"(https?)://([^/?]*)([^?]*)(?:\?(.*))?", re.IGNORECASE)

#: 15 digits are a petabyte: no sum of it overflows anywhere.
_MOST_DIGITS = 15


def notable_fields(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The fields that the listening side acts on, by name in lower case. Raises `Refused` if one that may come
    once is repeated."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _NOTABLE:
            if name in found and name in _ONCE:
                raise Refused(_ONCE[name])
            found[name] = value
    return found


def check_method(method: bytes) -> None:
    """Refuses CONNECT, which would make the gateway a tunnel to anywhere, and TRACE, which echoes cookies."""
    if method in _UNSERVED:
        raise Refused(BAD_METHOD)


def check_host(fields: Mapping[bytes, bytes], *, http11: bool) -> None:
    """A request of HTTP/1.1 must name its host, if only as the empty one that a target without an authority has (RFC
    9112 3.2); one of HTTP/1.0 may leave it out."""
    host = fields.get(b"host")
    if host is None:
        if http11:
            raise Refused(BAD_HOST)
    elif host and _HOST.fullmatch(host) is None:
        raise Refused(BAD_HOST)


def body_length(fields: Mapping[bytes, bytes], *, http11: bool) -> int:
    """Bytes of the body, 0 for none, or `CHUNKED`. The framing must be stated once, so that every recipient
    reads it alike."""
    coding = fields.get(b"transfer-encoding")
    length = fields.get(b"content-length")
    if coding is not None:
        if length is not None or not http11 or coding.lower() != b"chunked":
            raise Refused(BAD_FRAMING)
        return CHUNKED
    if length is None:
        return 0
    if not length.isdigit() or len(length) > _MOST_DIGITS:
        raise Refused(BAD_FRAMING)
    return int(length)


def split_target(method: bytes, target: bytes, host: bytes | None) -> tuple[bytes, bytes]:
    """Path and query, still encoded. An absolute target must name the same host as the Host field, where there
    is one."""
    if b"#" in target:
        raise Refused(BAD_TARGET)
    if target.startswith(b"/"):
        path, _, query = target.partition(b"?")
        return path, query
    if target == b"*" and method == b"OPTIONS":
        return target, b""
    return _split_absolute(target, host)


def _split_absolute(target: bytes, host: bytes | None) -> tuple[bytes, bytes]:
    parts = _ABSOLUTE.fullmatch(target)
    if parts is None:
        raise Refused(BAD_TARGET)
    scheme, authority, path, query = parts.groups(b"")
    if _HOST.fullmatch(authority) is None or (host is not None and _differ(scheme, authority, host)):
        raise Refused(BAD_TARGET)
    return path or b"/", query


def _differ(scheme: bytes, authority: bytes, host: bytes) -> bool:
    """A port may be left out that the scheme has anyhow (RFC 9110 4.2.3)."""
    usual = _USUAL_PORT[scheme.lower()]
    return authority.lower().removesuffix(usual) != host.lower().removesuffix(usual)
