"""Gradio 3's queue: each click on the page is a websocket, with messages in a fixed order and time limits of its own.

    server: send_hash           client: fn_index, session_hash            within 5 s
    server: estimation ...      again and again, while it waits for one of 64 places
    server: send_data           client: data, and the two again           within 60 s
    server: process_starts, process_completed, and it closes

The job goes on to its end when the page is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocket, WebSocketDisconnect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

#: The web UI's own `demo.queue(64)`: so many events are worked on at once. They queue for the GPU after that.
PLACES = 64


class EventError(Exception):
    """The function of an event failed: the page is shown this."""


class Events:
    """`call` runs a function by its number with its data, and returns what it gives. Raises EventError."""

    def __init__(
        self,
        call: Callable[[int, list[Any]], Awaitable[list[Any]]],
        *,
        hash_within: float = 5.0,
        data_within: float = 60.0,
        places: int = PLACES,
    ) -> None:
        self._call = call
        self._hash_within = hash_within
        self._data_within = data_within
        self._places = asyncio.Semaphore(places)
        self._line: list[WebSocket] = []

    async def join(self, socket: WebSocket) -> None:
        """One event, from its first message to its last."""
        await socket.accept()
        try:
            await self._event(socket)
        except (WebSocketDisconnect, TimeoutError, ValueError, KeyError, TypeError):
            await _close(socket)

    async def predict(self, fields: dict[str, Any]) -> dict[str, object]:
        """The same without the queue: POST /run/predict."""
        data = fields.get("data")
        number = fields.get("fn_index")
        return await self._output(number if isinstance(number, int) else -1, data if isinstance(data, list) else [])

    def estimation(self, rank: int | None = None) -> dict[str, object]:
        """How long the line for a place is."""
        return {
            "msg": "estimation",
            "rank": rank,
            "queue_size": len(self._line),
            "avg_event_process_time": None,
            "avg_event_concurrent_process_time": None,
            "rank_eta": None,
            "queue_eta": 0,
        }

    async def _event(self, socket: WebSocket) -> None:
        await _send(socket, {"msg": "send_hash"})
        await _receive(socket, self._hash_within)
        self._line.append(socket)
        try:
            await _send(socket, self.estimation(self._line.index(socket)))
            async with self._places:
                self._line.remove(socket)
                await self._tell_line()
                await self._work(socket)
        finally:
            if socket in self._line:
                self._line.remove(socket)

    async def _tell_line(self) -> None:
        for rank, waiting in enumerate(list(self._line)):
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it has left: its own handler sees to it
                await _send(waiting, self.estimation(rank))

    async def _work(self, socket: WebSocket) -> None:
        await _send(socket, {"msg": "send_data"})
        said = await _receive(socket, self._data_within)
        number, data = int(said["fn_index"]), list(said["data"])
        await _send(socket, {"msg": "process_starts"})
        try:
            output, success = await self._output(number, data), True
        except EventError as error:
            output, success = {"error": str(error)}, False
        await _send(socket, {"msg": "process_completed", "output": output, "success": success})
        await socket.close()

    async def _output(self, number: int, data: list[Any]) -> dict[str, object]:
        return {"data": await self._call(number, data), "is_generating": False, "duration": 0.0}


async def _send(socket: WebSocket, message: dict[str, object]) -> None:
    await socket.send_text(json.dumps(message))


async def _receive(socket: WebSocket, within: float) -> dict[str, Any]:
    async with asyncio.timeout(within):
        said = json.loads(await socket.receive_text())
    if not isinstance(said, dict):
        raise TypeError
    return said


async def _close(socket: WebSocket) -> None:
    """It may be closed already."""
    try:
        await socket.close()
    except (RuntimeError, WebSocketDisconnect):
        return
