"""A request's facts: what its client asked for, and the record of how it went. Knows no pool and no backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.core.mounts import without
from gateway.core.routing import plain_path

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from gateway.core.mounts import Mounts
    from gateway.core.views.record import RequestRecord
    from gateway.proxy.body.request_body import Client, RequestBody
    from gateway.proxy.headers.forwarded import Header, Origin


class Request:
    """Made when a request's head has arrived. `method`, `path`, `query` and `headers` are as in the ASGI scope;
    `target` is what a backend is asked for, and `sent_path` its path. `raw_path` is the path as profiles and dialogues
    know it: from the application's root on, plainly spelled."""

    def __init__(
        self,
        scope: MutableMapping[str, Any],
        *,
        client: Client,
        origin: Origin,
        request_body: RequestBody,
        record: RequestRecord,
    ) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_path: bytes = scope["raw_path"]
        self.sent_path = self.raw_path
        self.stripped = ""  # prefix that the backend is not sent
        self.query: bytes = scope["query_string"]
        self.target = _origin_form(client.target, scope)
        self.headers: list[Header] = scope["headers"]
        self.client = client
        self.origin = origin
        self.request_body = request_body
        self.record = record

    def enter(self, mounts: Mounts) -> None:
        """Its pool is known: what its pods are sent, and what that is to the profile. Once, before anything else looks
        at `target`, `sent_path` or `raw_path`."""
        self.stripped = mounts.prefix_of(self.sent_path)
        self.target = without(self.stripped, self.target) or self.target
        self.sent_path = without(self.stripped, self.sent_path) or self.sent_path
        self.raw_path = plain_path(mounts.below(self.sent_path) or self.sent_path)


def _origin_form(target: bytes, scope: MutableMapping[str, Any]) -> bytes:
    """The target as the backend gets it: the client's own bytes, but for the absolute form, which is for proxies."""
    if target.startswith(b"/") or target == b"*":
        return target
    query: bytes = scope["query_string"]
    path: bytes = scope["raw_path"]
    return path + b"?" + query if query else path
