"""A cancel scope that can be ended from outside, or by a deadline that moves often and rarely passes.

What anyio's cancel scope is, for one task on asyncio and at a tenth of its cost: one is entered for each request. It
is edge-triggered: what is awaited while the block is being left is not interrupted again.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


#: Seconds from one look at all deadlines to the next. Only those that come before it have a timer of their own.
_LOOK = 10.0


class CancelScope:
    """Use as `async with`. The block ends early, without an error, at `deadline` (seconds on the loop's clock) or when
    `interrupt` was called; `happened` then says so. Used once."""

    __slots__ = ("_all", "_deadline", "_entered", "_requested", "_task", "_timer", "happened")

    def __init__(self, among: CancelScopes, deadline: float = math.inf) -> None:
        self.happened = False  # the block was ended early
        self._all = among
        self._deadline = deadline
        self._entered = False
        self._requested = False
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None  # only while the deadline is near

    @property
    def deadline(self) -> float:
        """Seconds on the loop's clock."""
        return self._deadline

    @deadline.setter
    def deadline(self, deadline: float) -> None:
        """Moving it about costs nothing, as long as it is far."""
        self._deadline = deadline
        if self._entered and (self._timer is None or deadline < self._timer.when()):
            self.arm(self._all.loop.time())

    def interrupt(self) -> None:
        """End the block: at once if it waits, else where it waits next. May come before it was entered."""
        if self._requested:
            return
        self._requested = True
        if self._entered and self._task is not None:
            self._task.cancel()

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        self._entered = True
        if self._requested and self._task is not None:
            self._task.cancel()
        self._all.entered(self)
        self.arm(self._all.loop.time())
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._entered = False
        self._all.left(self)
        task, self._task = self._task, None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._requested or task is None:
            return False
        if exc_type is None or not issubclass(exc_type, asyncio.CancelledError):
            await _deliver()  # it was asked for, and nothing was awaited since
        else:
            self.happened = True
        others = task.uncancel()
        return self.happened and others == 0

    def arm(self, now: float) -> None:
        """`CancelScopes`': set a timer, if the deadline comes before the next look at all of them."""
        if self._deadline > now + _LOOK:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._all.loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._all.loop.time()
        if self._deadline <= now:
            self.interrupt()
        else:
            self.arm(now)


class CancelScopes:
    """Makes them, and looks at the deadlines of those that are entered, now and then, for as long as there are any."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._entered: set[CancelScope] = set()
        self._looks = False

    def until(self, deadline: float) -> CancelScope:
        """One more."""
        return CancelScope(self, deadline)

    def entered(self, part: CancelScope) -> None:
        """Its block has begun."""
        self._entered.add(part)
        if not self._looks:
            self._looks = True
            self.loop.call_later(_LOOK, self._look)

    def left(self, part: CancelScope) -> None:
        """Its block is over."""
        self._entered.discard(part)

    def _look(self) -> None:
        self._looks = bool(self._entered)
        if not self._looks:
            return
        self.loop.call_later(_LOOK, self._look)
        now = self.loop.time()
        for part in self._entered:
            part.arm(now)


async def _deliver() -> None:
    """Take the cancellation that is still to come, so that it does not end what comes after."""
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(0)
