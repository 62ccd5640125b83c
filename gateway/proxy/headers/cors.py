"""What lets a page of another site read the gateway's own answers, and be told that it may ask (the Fetch standard's
CORS). Backends speak for their answers themselves; of those only the gateway's headers are exposed here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.proxy.headers.same_site import EVERY_SITE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from gateway.proxy.headers.forwarded import Header

EXPOSE = b"access-control-expose-headers"

#: The gateway's, which a page could not read otherwise.
EXPOSED: Header = (EXPOSE, b"Retry-After, Server-Timing, X-Queue-Position, X-Queue-Wait, X-Request-Id")

_METHOD, _HEADERS = b"access-control-request-method", b"access-control-request-headers"
_GRANTED = {_METHOD: b"access-control-allow-methods", _HEADERS: b"access-control-allow-headers"}

#: Tokens, and what stands between them.
_TOKENS = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~, \t-]{1,2000}")

#: Seconds that a browser need not ask again. Short: while pods run they speak for themselves.
_FRESH = b"60"


def granted(headers: Iterable[Header], allowed: Collection[bytes]) -> tuple[Header, ...]:
    """Headers for an answer of the gateway's own to a page whose origin is `allowed`; none for others."""
    origins = [value for name, value in headers if name == b"origin"]
    if len(origins) == 1 and origins[0].lower() in allowed:
        named = (b"access-control-allow-origin", origins[0]), (b"access-control-allow-credentials", b"true")
        return *named, (b"vary", b"Origin"), EXPOSED
    return ((b"access-control-allow-origin", b"*"), EXPOSED) if origins and EVERY_SITE in allowed else ()


def is_preflight(method: str, headers: Iterable[Header]) -> bool:
    """A browser asks whether a page may send a request; it brings no credentials, and wants nothing done."""
    names = {name for name, _ in headers} if method == "OPTIONS" else ()
    return b"origin" in names and _METHOD in names


def consent(headers: Iterable[Header], grant: Sequence[Header]) -> list[Header]:
    """Headers of the answer to a preflight: it may send what it wants to. `grant`: as `granted` says."""
    wanted = [(_GRANTED[name], value) for name, value in headers if name in _GRANTED and _TOKENS.fullmatch(value)]
    return [*grant, *wanted, (b"access-control-max-age", _FRESH)]
