"""A user's container behind a queue-proxy: works on a request until it is told that it is done, and counts."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]


class Container:
    """An ASGI application. It answers `GET /light` at once, everything else when `finish` was called for it."""

    def __init__(self) -> None:
        self.at_work = 0
        self.most_at_once = 0
        self.seen: list[dict[str, str]] = []  # headers
        self.bodies: list[bytes] = []
        self.given_up = 0  # whose client left
        self._done = asyncio.Semaphore(0)
        self._came = asyncio.Condition()

    def finish(self, count: int = 1) -> None:
        """So many requests, the oldest first, or those to come."""
        for _ in range(count):
            self._done.release()

    async def came(self, count: int) -> None:
        """So many requests have come, ever."""
        async with self._came:
            await self._came.wait_for(lambda: len(self.seen) >= count)

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message.get("more_body"):
                break
        self.at_work += 1
        self.most_at_once = max(self.most_at_once, self.at_work)
        async with self._came:
            self.seen.append({name.decode(): value.decode() for name, value in scope["headers"]})
            self.bodies.append(body)
            self._came.notify_all()
        try:
            if scope["path"] == "/light" or await self._is_done(receive):
                await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
                await send({"type": "http.response.body", "body": b"done"})
        finally:
            self.at_work -= 1

    async def _is_done(self, receive: Callable[[], Awaitable[Message]]) -> bool:
        done, left = asyncio.ensure_future(self._done.acquire()), asyncio.ensure_future(receive())
        await asyncio.wait((done, left), return_when=asyncio.FIRST_COMPLETED)
        for future in (done, left):
            if not future.done():
                future.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await future
        if done.cancelled():
            self.given_up += 1
        return not done.cancelled()
