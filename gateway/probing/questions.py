"""Puts one question to a backend again and again, for as long as the answer is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import anyio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Question(Protocol):
    """A question to one backend, which reports the answer itself."""

    @property
    def period(self) -> float:
        """Seconds from an answer to the next question."""

    async def __call__(self, sent_at: float) -> None:
        """Ask once. `sent_at`: now, on the driver's clock."""


class WakeUps:
    """Ends the rest of those who wait, each under an identity of its own."""

    def __init__(self) -> None:
        self._events: dict[str, anyio.Event] = {}

    def wake(self, identity: str) -> None:
        """End the rest of this one, if it rests."""
        if (event := self._events.get(identity)) is not None:
            event.set()

    async def rest(self, identity: str, seconds: float) -> None:
        """Until woken, and for so long at most."""
        event = self._events[identity] = anyio.Event()
        try:
            with anyio.move_on_after(seconds):
                await event.wait()
        finally:
            if self._events.get(identity) is event:  # else who rests under it is another: it is watched anew
                del self._events[identity]


async def ask_while_needed(
    question: Question,
    is_needed: Callable[[], bool],
    clock: Callable[[], float],
    rest: Callable[[float], Awaitable[None]] = anyio.sleep,
) -> None:
    """Ask once a period while `is_needed` holds, until cancelled. `clock`: the driver's. `rest`: waits for so many
    seconds, or until the answer may be needed; never used between two questions that are."""
    while True:
        if is_needed():
            await question(clock())
        await (anyio.sleep if is_needed() else rest)(question.period)
