"""Decides whether a page may use what programs may: a page of the host that was asked for may, and one of a site that
is allowed. `Origin` tells where a page is from; programs send none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.proxy.errors import ForeignOrigin

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from gateway.proxy.headers.forwarded import Header, Origin

#: Among those allowed: pages of every site.
EVERY_SITE = b"*"

#: Methods that change nothing (RFC 9110 9.2.1), and so may come from any page.
SAFE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))

_HOST = rb"(\[[^]/]+\]|[^:/\[\]]+)(?::([0-9]*))?"
_ASKED = re.compile(_HOST)
_ORIGIN = re.compile(rb"(https?)://" + _HOST)
_DEFAULT_PORTS = {b"http": b"80", b"https": b"443"}


def sites_named_in(allowed: frozenset[bytes]) -> frozenset[bytes]:
    """Those that may use what a browser keeps for people: "every site" is for what comes without."""
    return allowed - {EVERY_SITE}


def check_page(headers: Iterable[Header], asked: Origin, allowed: Collection[bytes]) -> None:
    """Of who sends these headers. `allowed`: origins besides the host's own, in lower case. Raises ForeignOrigin."""
    origins = [value for name, value in headers if name == b"origin"]
    if origins and not (len(origins) == 1 and may_come_from(origins[0], asked, allowed)):
        raise ForeignOrigin(b", ".join(origins), asked.host)


def may_come_from(page: bytes, asked: Origin, allowed: Collection[bytes]) -> bool:
    """Whether a page of that Origin may. `allowed` as in `check_page`."""
    return EVERY_SITE in allowed or page.lower() in allowed or is_own(page, asked)


def is_own(page: bytes, asked: Origin) -> bool:
    """Whether an Origin is that of the host asked for. The scheme does not count: a proxy that ended TLS may not have
    said so. Nor does the port where proxies took it off the host (nginx's `$host`), or say that it was another."""
    origin, host = _ORIGIN.fullmatch(page.lower()), _ASKED.fullmatch(asked.host.lower())
    if origin is None or host is None or origin[2] != host[1]:
        return False
    port = origin[3] or _DEFAULT_PORTS[origin[1]]
    return not host[2] or port in (host[2], asked.port)
