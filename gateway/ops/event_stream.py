"""The live feed as server-sent events (HTML Living Standard, 9.2), for a bounded number of viewers.

A viewer that reads slowly misses frames: one frame at a time is on its way to it, so its memory is one frame and the
buffer of its connection. A viewer that does not read keeps its place until its connection ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from starlette.types import Receive, Send

    from gateway.ops.live import LiveFeed

#: Viewers at a time.
VIEWERS = 32

_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")],
}


class EventStream:
    """The viewers of one feed."""

    def __init__(self, feed: LiveFeed, most: int = VIEWERS) -> None:
        self.viewers = 0
        self._feed = feed
        self._most = most
        self._over = anyio.Event()

    @property
    def is_full(self) -> bool:
        """There is no place for another viewer."""
        return self.viewers >= self._most

    def close(self) -> None:
        """End every viewer's answer, so that the gateway's stop does not wait for it."""
        self._over.set()

    async def head(self, send: Send) -> None:
        """Answer a HEAD."""
        await send(_START)
        await send({"type": "http.response.body"})

    async def show(self, receive: Receive, send: Send) -> None:
        """Send frames until the viewer leaves or `close` is called."""
        self.viewers += 1
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_until_gone, receive, tasks.cancel_scope)
                await send(_START)
                await self._frames(send)
                await send({"type": "http.response.body"})
                tasks.cancel_scope.cancel()
        finally:
            self.viewers -= 1

    async def _frames(self, send: Send) -> None:
        seen: int | None = None
        while not self._over.is_set():
            frame = self._feed.frame()
            if frame.number != seen:
                await send({"type": "http.response.body", "body": frame.after(seen), "more_body": True})
                seen = frame.number
            with anyio.move_on_after(self._feed.due_in()):
                await self._over.wait()


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
