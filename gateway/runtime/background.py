"""Tasks that live as long as the gateway. One that fails is named in the log and ends the gateway: a gateway
without its scaler or its timers would look alive and not be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio.abc import TaskGroup


class Background:
    """Starts named tasks in a task group that somebody else opens and closes."""

    def __init__(self, tasks: TaskGroup) -> None:
        self._tasks = tasks
        self._log = structlog.get_logger()

    def start(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """`run` until it ends or the group is cancelled."""
        self._tasks.start_soon(self._watched, name, run, name=name)

    async def _watched(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        try:
            await run()
        except Exception:
            self._log.exception("task_failed", task=name)
            raise
