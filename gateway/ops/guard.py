"""Whether a request that changes something may come from a page the operator did not mean to open.

Where no token is configured (`admin.py`) there is no login on the operators' port: it is guarded by where it listens.
But a browser on the same machine lets any page send requests there, so a request that changes something must

1. carry `X-Requested-With`, with any value: a page of another origin may not send it unless we allow it, and we allow
   nothing (no CORS);
2. come from no page, or from one whose address is an IP address or `localhost`: a name of an attacker's that was made
   to point here after its page was loaded (DNS rebinding) is the same origin to the browser, and fails here.

Programs (`curl -X POST -H 'X-Requested-With: curl' ...`) send no `Origin` and need the one header.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping


def is_meant(headers: Mapping[str, str]) -> bool:
    """Whether the request may change something. `headers` by lower-case name."""
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
