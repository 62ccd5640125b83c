"""Protects the operators' port against pages of other origins (CSRF, DNS rebinding).

It has no login: the address that it listens on protects it. But a browser on the same machine lets any page send
requests there, and to a browser a name that an attacker makes point here after its page was loaded (DNS rebinding) is
the same origin. So the `Host` must be one of the port's own names: an IP address, `localhost`, or one of `ops.hosts`.
And where no token is configured (`admin.py`), a request that changes something must

1. carry `X-Requested-With`, with any value: a page of another origin cannot send it, as there is no CORS here;
2. have no `Origin`, or one whose host is such a name.

Programs (`curl -X POST -H 'X-Requested-With: curl' ...`) send no `Origin` and need the one header.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.core.routing import bare_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Guard:
    """Knows the port's own names."""

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        """`hosts`: names besides addresses and `localhost`."""
        self._names = {"localhost", *filter(None, map(bare_host, hosts))}  # "::" has no name

    def knows(self, host: str) -> bool:
        """Whether a Host header is one of the port's own names."""
        return self._is_own(bare_host(host))

    def is_allowed(self, headers: Mapping[str, str]) -> bool:
        """The request may change something. `headers` have names in lower case."""
        if "x-requested-with" not in headers:
            return False
        origin = headers.get("origin")
        return origin is None or self._is_page_of_ours(origin)

    def _is_page_of_ours(self, origin: str) -> bool:
        try:
            return self._is_own(urlsplit(origin).hostname or "")
        except ValueError:
            return False

    def _is_own(self, host: str) -> bool:
        try:
            return host in self._names or bool(ipaddress.ip_address(host.strip("[]")))
        except ValueError:
            return False
