"""The ASGI scope of a request. Path and query stand there as sent, too, beside the decoded path."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl

if TYPE_CHECKING:
    import asyncio

    from starlette.types import Scope

    from gateway.server.head import RequestHead

_ASGI = {"version": "3.0", "spec_version": "2.3"}


class ConnectionAddresses:
    """The addresses of both ends of a connection, and its scheme."""

    __slots__ = ("client", "scheme", "server")

    def __init__(self, transport: asyncio.Transport) -> None:
        self.client = get_remote_addr(transport)
        self.server = get_local_addr(transport)
        self.scheme = "https" if is_ssl(transport) else "http"


def http_scope(head: RequestHead, addresses: ConnectionAddresses, client: object) -> Scope:
    """The scope: `raw_path` and `query_string` are as sent, `path` is decoded once, `headers` are in order with
    names in lower case. `client` becomes the extension `gateway.client`."""
    path = head.path.decode("ascii")  # llhttp lets nothing else pass
    return {
        "type": "http",
        "asgi": _ASGI,
        "http_version": "1.1" if head.http11 else "1.0",
        "server": addresses.server,
        "client": addresses.client,
        "scheme": addresses.scheme,
        "method": head.method.decode("ascii"),
        "root_path": "",
        "path": unquote(path) if "%" in path else path,
        "raw_path": head.path,
        "query_string": head.query,
        "headers": head.headers,
        "extensions": {"gateway.client": client},
    }
