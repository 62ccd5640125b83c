"""Headers that are passed on, to the backend and back to the client. Pure: bytes in, bytes out.

Dropped both ways, first of all: the headers of one hop (RFC 9110 7.6.1, and the two of proxy authentication: a backend
is an origin, credentials for a proxy are not its business) and those that `Connection` names. Framing is never copied;
whoever writes the message makes it anew.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from gateway.proxy.headers import cookie_header as cookies

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateway.proxy.headers.forwarded import Header, Origin

_HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"http2-settings",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)

#: Of a request besides: its framing, what this gateway answers itself (Expect), and what it writes anew.
_NOT_COPIED = _HOP_BY_HOP | {
    b"content-length",
    b"expect",
    b"forwarded",
    b"host",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-request-id",
}

#: `Connection` cannot take these away: others decide by them, so a client must not be able to make them disappear.
_NOT_NOMINATED = frozenset(
    (b"authorization", b"cache-control", b"cookie", b"forwarded", b"host", b"set-cookie", b"x-real-ip", b"x-request-id")
)
_NOT_NOMINATED_PREFIXES = (b"content-", b"x-forwarded-", b"k-", b"knative-")

#: Only a trusted peer's count. Starts of names; the last is a whole name.
_OF_TRUSTED_PEERS = (b"k-original-host", b"x-forwarded-", b"x-real-ip")

#: Of nobody's, whatever the peer: an ingress passes on what clients send, and with `K-Kubelet-Probe` a request goes
#: past the limit of Knative's queue-proxy. Starts of names, and the one of them that says only what was asked for.
_KNATIVES = (b"k-", b"knative-")
_SAYS_THE_HOST = b"k-original-host"

#: Most of what browsers and API clients send: kept without a further look.
_COMMON = frozenset(
    (
        b"accept",
        b"accept-encoding",
        b"accept-language",
        b"authorization",
        b"cache-control",
        b"content-type",
        b"origin",
        b"pragma",
        b"priority",
        b"referer",
        b"sec-fetch-dest",
        b"sec-fetch-mode",
        b"sec-fetch-site",
        b"user-agent",
    )
)

#: What `Connection` nearly always says. It names no other header.
_NAMES_NOTHING = (b"keep-alive", b"close")

#: Bytes of most names. Names with others are dropped, but for `_` and `.`: see `_is_a_twin`.
_NAME_BYTES = (string.ascii_letters + string.digits + "-").encode()
_TWINS = bytes.maketrans(b"_.", b"--")

#: Of an answer: what the gateway alone tells of a request. A pod that says it speaks of another line.
_OURS_TO_TELL = (b"x-queue-", b"x-backend")

#: All that passes of a 103: browsers act on nothing else there, and the rest may be about an answer that never comes.
_HINTS = frozenset((b"content-security-policy", b"link", b"referrer-policy"))


#: Of an answer: lists, of what each hop measured, and of what a page may read.
_ADDED_TO = (b"server-timing", b"access-control-expose-headers")


def request_headers(
    headers: Iterable[Header], origin: Origin, *, request_id: bytes, session_cookie: bytes, dropped: list[bytes]
) -> list[Header]:
    """A request's headers as the backend gets them, without framing. Names must be lower-case. `dropped` is given the
    names of those that are not the peer's to say, or that servers may take for such.

    Host passes as received (empty if there was none, as RFC 9112 3.2 asks), and so do all cookies but the session's.
    """
    kept: list[Header] = [(b"host", origin.received_host)]
    connection: list[bytes] = []
    for header in headers:
        name, value = header
        if name in _COMMON:
            kept.append(header)
        elif name in _NOT_COPIED:
            if name == b"connection" and value not in _NAMES_NOTHING:
                connection.append(value)
        elif name == b"cookie":
            if others := cookies.without(session_cookie, value):
                kept.append((name, others))
        elif _is_withheld(name, origin.trusted) or (
            (odd := name.translate(None, _NAME_BYTES)) and _is_a_twin(name, odd)
        ):
            dropped.append(name)
        else:
            kept.append(header)
    if connection:
        kept = _without_nominated(kept, connection)
    kept += origin.told_to_next_hop()
    kept.append((b"x-request-id", request_id))
    return kept


def answer_headers(
    headers: Iterable[Header], *, session_cookie: bytes, set_cookie: bytes | None = None, ours: Sequence[Header] = ()
) -> list[Header]:
    """A backend's headers as the client gets them, names in lower case, the content's length once if it is known.

    `set_cookie`: our Set-Cookie; such an answer is not for shared caches. `ours`: replaces the backend's headers of
    the same names, save lists that each hop adds to.
    """
    replaced = {name for name, _ in ours if name not in _ADDED_TO}
    kept: list[Header] = []
    connection: list[bytes] = []
    for header, value in headers:
        name = header.lower()
        if name in _HOP_BY_HOP:
            if name == b"connection" and value not in _NAMES_NOTHING:
                connection.append(value)
        elif name in replaced or _is_ours(name, value, session_cookie):
            continue
        else:
            kept.append((name, value))
            if name == b"content-length":
                replaced.add(name)
    if connection:
        kept = _without_nominated(kept, connection)
    if set_cookie is not None:
        if not _is_private(kept):
            kept.append((b"cache-control", b"private"))
        kept.append((b"set-cookie", set_cookie))
    kept += ours
    return kept


def hint_headers(headers: Iterable[Header]) -> list[Header]:
    """Of a 103 (RFC 8297), as the client gets it: what to fetch, and the policies that this would be fetched under."""
    return [header for header in answer_headers(headers, session_cookie=b"") if header[0] in _HINTS]


def _is_ours(name: bytes, value: bytes, session_cookie: bytes) -> bool:
    """A backend's header that the gateway alone may say."""
    return name.startswith(_OURS_TO_TELL) or (name == b"set-cookie" and _names(session_cookie, value))


def _is_withheld(name: bytes, trusted: bool) -> bool:
    """What means something to a backend, and is not the peer's to say."""
    if name.startswith(_KNATIVES) and name != _SAYS_THE_HOST:
        return True
    return not trusted and name.startswith(_OF_TRUSTED_PEERS)


def _is_a_twin(name: bytes, odd: bytes) -> bool:
    """A name with a byte that servers may take for a dash (CGI, WSGI: `x_forwarded_for`), and with dashes it would be
    one that the gateway writes or withholds; or with a byte that no server needs. `odd`: its bytes beside letters,
    digits and dashes."""
    twin = name.translate(_TWINS)
    return bool(odd.strip(b"_.")) or twin in _NOT_COPIED or _is_withheld(twin, trusted=False)


def _without_nominated(kept: list[Header], connection: list[bytes]) -> list[Header]:
    """Without what the message's own `Connection` headers name."""
    named = {token.strip().lower() for value in connection for token in value.split(b",")}
    named = {name for name in named - _NOT_COPIED - _NOT_NOMINATED if not name.startswith(_NOT_NOMINATED_PREFIXES)}
    return [header for header in kept if header[0] not in named] if named else kept


def _names(cookie: bytes, set_cookie: bytes) -> bool:
    return set_cookie.partition(b";")[0].partition(b"=")[0].strip() == cookie


def _is_private(headers: Iterable[Header]) -> bool:
    """Unconditionally: `private="field"` covers only that field."""
    return any(
        directive.strip().lower() in (b"private", b"no-store")
        for name, value in headers
        if name == b"cache-control"
        for directive in value.split(b",")
    )
