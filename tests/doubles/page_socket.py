"""A page's end of a websocket, spoken to a handler of Starlette's without a network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

import anyio
from starlette.websockets import WebSocket

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping


class PageSocket:
    """Runs the handler while it is open. The handler hears of `leaves` only when it sends or receives."""

    def __init__(self, handler: Callable[[WebSocket], Awaitable[None]], query: str = "") -> None:
        self._handler = handler
        self._query = query
        self._to_server, self._server_receives = anyio.create_memory_object_stream[dict[str, Any]](100)
        self._server_sends, self._from_server = anyio.create_memory_object_stream[dict[str, Any]](100)
        self._has_left = False
        self._tasks = anyio.create_task_group()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._tasks.start_soon(self._serve)
        await self._to_server.send({"type": "websocket.connect"})
        assert (await self._from_server.receive())["type"] == "websocket.accept"
        return self

    async def __aexit__(self, *raised: object) -> None:
        self.leaves()
        self._tasks.cancel_scope.cancel()
        await self._tasks.__aexit__(None, None, None)
        for stream in (self._to_server, self._server_receives, self._server_sends, self._from_server):
            stream.close()

    async def hears(self) -> dict[str, Any]:
        """The next message, which is JSON."""
        message: dict[str, Any] = json.loads((await self._next())["text"])
        return message

    async def hears_bytes(self) -> bytes:
        """The next message, which is binary."""
        message: bytes = (await self._next())["bytes"]
        return message

    async def until(self, kind: str, key: str = "msg") -> dict[str, Any]:
        """The next message of a kind."""
        while (message := await self.hears()).get(key) != kind:
            pass
        return message

    async def says(self, message: object) -> None:
        """Send JSON."""
        await self.says_text(json.dumps(message))

    async def says_text(self, text: str) -> None:
        """Send text."""
        await self._to_server.send({"type": "websocket.receive", "text": text})

    async def is_closed(self) -> bool:
        """The server closes it next."""
        return bool((await self._next())["type"] == "websocket.close")

    def leaves(self) -> None:
        """The connection is gone."""
        if not self._has_left:
            self._has_left = True
            self._to_server.send_nowait({"type": "websocket.disconnect", "code": 1006})

    async def _next(self) -> dict[str, Any]:
        with anyio.fail_after(10):
            return await self._from_server.receive()

    async def _serve(self) -> None:
        scope = {"type": "websocket", "path": "/", "headers": [], "query_string": self._query.encode()}
        await self._handler(WebSocket(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        return await self._server_receives.receive()

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        if self._has_left:
            raise OSError("the page has left")
        await self._server_sends.send(dict(message))
