"""The HTTP client of probes: a small GET that leaves nothing behind.

A probe must not cost the backend what it is there to guard. So each has a connection of its own, closed afterwards (a
server that handles one connection at a time would otherwise sit waiting for us), and carries no cookies.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

import anyio
import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

#: As much of an answer as is looked at; what follows is not read.
_ENOUGH = 64 * 1024

_HEADERS = {"User-Agent": "gateway-probe", "Connection": "close"}
_NO_OTHERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, or the first 64 KiB of it."""

    status: int
    body: bytes


def new_client() -> httpx.AsyncClient:
    """The client that all probes share. Proxy settings of the environment are not for them; and no bound on its
    connections, so that a backend that hangs keeps no other from being asked: there is one probe each."""
    return httpx.AsyncClient(
        trust_env=False, limits=httpx.Limits(max_connections=None, max_keepalive_connections=0), timeout=None
    )


async def get(
    client: httpx.AsyncClient, address: str, path: str, timeout: float, headers: Mapping[str, str] = _NO_OTHERS
) -> Reply:
    """Ask the backend at "host:port"; `timeout` seconds for all of it. `headers` go before the usual ones.

    Raises TimeoutError, and httpx.HTTPError for whatever else goes wrong.
    """
    # A request that the client had built would get its cookies.
    request = httpx.Request("GET", f"http://{address}{path}", headers={**_HEADERS, **headers})
    with anyio.fail_after(timeout):
        async with aclosing(await client.send(request, stream=True, follow_redirects=False)) as response:
            return Reply(response.status_code, await _beginning(response))


async def _beginning(response: httpx.Response) -> bytes:
    body = b""
    async with aclosing(cast("AsyncGenerator[bytes]", response.aiter_bytes())) as pieces:
        async for piece in pieces:
            body += piece
            if len(body) >= _ENOUGH:
                break
    return body[:_ENOUGH]
