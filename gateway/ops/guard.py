"""Protects orders against pages of other origins (CSRF, DNS rebinding) where no token is configured (`admin.py`).

Without a token the operators' port has no login: the address that it listens on protects it. But a browser on the same
machine lets any page send requests there, so a request that changes something must

1. carry `X-Requested-With`, with any value: a page of another origin cannot send it, as there is no CORS here;
2. have no `Origin`, or one whose host is an IP address or `localhost`: to the browser a name that an attacker
makes point here after its page was loaded (DNS rebinding) is the same origin, and this rule refuses it.

Programs (`curl -X POST -H 'X-Requested-With: curl' ...`) send no `Origin` and need the one header.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping


def is_allowed(headers: Mapping[str, str]) -> bool:
    """The request may change something. `headers` have names in lower case."""
    if "x-requested-with" not in headers:
        return False
    origin = headers.get("origin")
    return origin is None or _is_address(origin)


def _is_address(origin: str) -> bool:
    try:
        host = urlsplit(origin).hostname or ""
        return host == "localhost" or bool(ipaddress.ip_address(host))
    except ValueError:
        return False
