"""Tiny applications to stand behind the protocol."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Receive, Scope, Send


async def respond(
    send: Send,
    body: bytes = b"",
    status: int = 200,
    headers: Iterable[tuple[bytes, bytes]] = (),
    hold: bool = False,
) -> None:
    """A whole answer with Content-Length."""
    fields = [(b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": fields, "gateway.hold": hold})
    await send({"type": "http.response.body", "body": body})


async def read_body(receive: Receive) -> bytes:
    """The whole body. Raises ConnectionError if the client is gone before its end."""
    pieces: list[bytes] = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        pieces.append(message["body"])
        more = message["more_body"]
    return b"".join(pieces)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the request's body."""
    await respond(send, await read_body(receive))


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers without looking at the body."""
    await respond(send, b"hello")


class Recorder:
    """Keeps each request's scope and answers with its path."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        await respond(send, scope["path"].encode())


class Held:
    """Takes requests and answers each when told so. `client` is the extension of the one that came last."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.go = asyncio.Event()
        self.paths: list[str] = []
        self.client: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.client = scope["extensions"]["gateway.client"]
        self.paths.append(scope["path"])
        self.arrived.set()
        await self.go.wait()
        await respond(send, scope["path"].encode())
