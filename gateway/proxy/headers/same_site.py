"""Decides whether a page is of the host that was asked for, by its `Origin`."""

from __future__ import annotations

import re

_ORIGIN = re.compile(rb"(https?)://([^/]+)")
_DEFAULT_PORTS = {b"http": b":80", b"https": b":443"}


def is_of(host: bytes, origin: bytes) -> bool:
    """Whether an Origin is that of the host asked for, both in lower case. The scheme does not count: a proxy that
    ended TLS may not have said so."""
    parts = _ORIGIN.fullmatch(origin)
    if parts is None or not host:
        return False
    port = _DEFAULT_PORTS[parts[1]]
    return parts[2].removesuffix(port) == host.removesuffix(port)
