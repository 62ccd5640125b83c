"""The stream of one watch: events as they happen, bookmarks, and an end: in time, at 410, or in the middle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from gateway.demo.kube_api.faults import Faults
    from gateway.demo.kube_api.selectors import Selector
    from gateway.demo.kube_api.store import Kind, Object, Store


class WatchStream:
    """An ASGI answer."""

    def __init__(
        self,
        store: Store,
        faults: Faults,
        kind: Kind,
        namespace: str | None,
        selector: Selector,
        *,
        since: int,
        seconds: float,
        bookmark_every: float | None,  # seconds; None: the client did not ask for them
    ) -> None:
        self._store = store
        self._faults = faults
        self._kind = kind
        self._namespace = namespace
        self._selector = selector
        self._version = since
        self._seconds = seconds
        self._bookmark_every = bookmark_every

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An answer that is not ended is cut: the server then closes the connection without a last chunk."""
        cut = self._faults.cut
        headers = [(b"content-type", b"application/json"), (b"x-stand-in", b"kube-api")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        async with anyio.create_task_group() as tasks:

            async def ends(event: anyio.Event | None) -> None:
                await (event.wait() if event is not None else _left(receive))
                tasks.cancel_scope.cancel()

            tasks.start_soon(ends, cut)
            tasks.start_soon(ends, None)
            with anyio.move_on_after(self._seconds):
                await self._tell(send)
            tasks.cancel_scope.cancel()
        if not cut.is_set():
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif self._faults.last_words:
            await send({"type": "http.response.body", "body": self._faults.last_words, "more_body": True})

    async def _tell(self, send: Send) -> None:
        while True:
            changed = self._store.changed
            if self._version < self._store.oldest:
                if self._faults.gone_in_stream:
                    await self._say(send, "ERROR", gone(self._version, self._store.oldest))
                return
            for change in list(self._store.since(self._version, self._kind, self._namespace)):
                if event := self._selector.event(change):
                    await self._say(send, *event)
            self._version = self._store.version
            with anyio.move_on_after(self._bookmark_every) as silence:
                await changed.wait()
            if silence.cancelled_caught:
                await self._say(send, "BOOKMARK", self._bookmark())

    def _bookmark(self) -> Object:
        return {"apiVersion": self._kind.api, "metadata": {"resourceVersion": str(self._version)}}

    async def _say(self, send: Send, what: str, content: Object) -> None:
        line = json.dumps({"type": what, "object": content}, ensure_ascii=False).encode() + b"\n"
        await send({"type": "http.response.body", "body": line, "more_body": True})


async def _left(receive: Receive) -> None:
    """The client has gone, or the server stops."""
    while (await receive())["type"] != "http.disconnect":
        pass


def gone(version: int, oldest: int) -> Object:
    """What is said of a version that is forgotten."""
    return status(410, "Expired", f"too old resource version: {version} ({oldest})")


def status(code: int, reason: str, message: str) -> Object:
    """The object in which Kubernetes says no."""
    said: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return {**said, "message": message, "reason": reason, "code": code}
