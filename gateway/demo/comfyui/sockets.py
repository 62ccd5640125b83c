"""The pages' websockets by the names that they give themselves. As seen on 0.3.64: a second one of a name takes the
place of the first, which stays open and hears no more; when the first then closes, the second hears no more either. One
that comes while its own prompt runs is told at which node that is, and of nothing that it has missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from typing import TYPE_CHECKING

from starlette.websockets import WebSocket, WebSocketDisconnect

if TYPE_CHECKING:
    from collections.abc import Callable


class Sockets:
    """Events go out in order, each socket at its own pace."""

    def __init__(self, remaining: Callable[[], int], node_of: Callable[[str], str | None]) -> None:
        """`node_of`: the node at which the prompt of a page is, if one runs."""
        self._remaining = remaining
        self._node_of = node_of
        self._queues: dict[str, asyncio.Queue[str]] = {}

    def tell(self, kind: str, data: dict[str, object], client: str | None) -> None:
        """An event for one client, or for everybody. Who is not here does not hear of it, then or later."""
        message = json.dumps({"type": kind, "data": data})
        for name, queue in self._queues.items():
            if client in (None, name):
                queue.put_nowait(message)

    async def serve(self, socket: WebSocket) -> None:
        """One page, until it leaves."""
        name = socket.query_params.get("clientId") or uuid.uuid4().hex
        await socket.accept()
        queue = self._queues[name] = asyncio.Queue()
        status = {"status": {"exec_info": {"queue_remaining": self._remaining()}}, "sid": name}
        queue.put_nowait(json.dumps({"type": "status", "data": status}))
        if (node := self._node_of(name)) is not None:
            queue.put_nowait(json.dumps({"type": "executing", "data": {"node": node}}))
        sending = asyncio.create_task(self._send(socket, queue))
        try:
            while True:
                await socket.receive_text()  # what a page says of its features is not of interest
        except (WebSocketDisconnect, KeyError):
            pass
        finally:
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending
            self._queues.pop(name, None)

    async def _send(self, socket: WebSocket, queue: asyncio.Queue[str]) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # the page has left: the reader sees to it
            while True:
                await socket.send_text(await queue.get())
