"""Tasks that live as long as the gateway. One that fails is named in the log and ends the gateway: a gateway
without its scaler or its timers would look alive and not be."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import anyio
import structlog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio.abc import TaskGroup


class Background:
    """Starts named tasks in a task group that somebody else opens, and cancels when it is over."""

    def __init__(self, tasks: TaskGroup) -> None:
        self._tasks = tasks
        self._asked: deque[tuple[str, Callable[[], Awaitable[None]]]] = deque()
        self._something = anyio.Event()
        self._log = structlog.get_logger()
        tasks.start_soon(self._start_them, name="background")

    def start(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """`run` until it ends or the group is cancelled.

        May be called from callbacks of the loop too, a signal's or a connection's. Task groups may not: they ask which
        task is calling. So it is a task that starts the others.
        """
        self._asked.append((name, run))
        self._something.set()

    async def _start_them(self) -> None:
        while True:
            await self._something.wait()
            self._something = anyio.Event()
            while self._asked:
                name, run = self._asked.popleft()
                self._tasks.start_soon(self._watched, name, run, name=name)

    async def _watched(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        try:
            await run()
        except Exception:
            self._log.exception(
                "task_failed", task=name, do="a defect: the gateway ends, start it again, keep this line"
            )
            raise
