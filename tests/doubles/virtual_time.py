"""Backends for anyio's pytest plugin in which time passes when nobody has anything to do. Each test begins at 0."""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

import anyio
import sniffio
from trio.testing import MockClock


def virtual_time() -> tuple[str, dict[str, Any]]:
    """What the fixture `anyio_backend` returns: on trio, for what is anyio alone."""
    return "trio", {"clock": MockClock(autojump_threshold=0)}


def virtual_time_of_asyncio() -> tuple[str, dict[str, Any]]:
    """What the fixture `anyio_backend` returns: on asyncio. There are no sockets in it, and no threads."""
    return "asyncio", {"loop_factory": _VirtualLoop}


async def settled() -> None:
    """Until everybody waits for somebody else. In virtual time no time passes meanwhile."""
    loop = asyncio.get_running_loop() if sniffio.current_async_library() == "asyncio" else None
    if isinstance(loop, _VirtualLoop):
        await loop.idle()
    else:
        await anyio.wait_all_tasks_blocked()


class _JumpingSelector(selectors.DefaultSelector):
    """When nobody has anything to do it says so; then it moves the clock to the next timer instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.waiting: list[asyncio.Future[None]] = []

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0 if timeout is not None or self.waiting else None)
        if ready or timeout == 0:
            return ready
        if self.waiting:
            for waiter in self.waiting:
                waiter.set_result(None)
            self.waiting.clear()
        else:
            self.now += timeout or 0.0
        return ready


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    async def idle(self) -> None:
        waiter = self.create_future()
        self._jumping.waiting.append(waiter)
        await waiter
