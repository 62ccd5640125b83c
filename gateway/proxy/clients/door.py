"""The door: lets in who brings a key, where clients must have one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.proxy.clients.keys import brings_one
from gateway.proxy.errors import Unauthorised
from gateway.proxy.headers.cors import is_preflight

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.proxy.clients.bounds import ClientBounds
    from gateway.proxy.clients.keys import ClientKeys
    from gateway.proxy.context import RequestContext

#: Why somebody is not let in.
MISSING, UNKNOWN = "missing", "unknown"


class ClientDoor:
    """One gateway's. `keys` may be replaced; None: everybody comes in."""

    def __init__(self, keys: ClientKeys | None, bounds: ClientBounds, refused: Callable[[str], None]) -> None:
        """`refused` is told why somebody was not let in."""
        self.keys = keys
        self.bounds = bounds
        self._refused = refused

    def admit(self, context: RequestContext) -> None:
        """Notes the name of the client's key. Raises Unauthorised; a preflight brings no key, and may come as far as
        `proxy/preflight.py` says."""
        keys = self.keys
        if keys is None:
            return
        known = keys.find(context.headers)
        if known is None and is_preflight(context.method, context.headers):
            context.is_uninvited = True
            return
        if known is None:
            brought = brings_one(context.headers)
            self._refused(UNKNOWN if brought else MISSING)
            raise Unauthorised(brought=brought)
        context.record.key = known.name
        context.is_sent_by_browsers = known.is_sent_by_browsers
        if not keys.pass_on:
            context.kept_back = known.headers
