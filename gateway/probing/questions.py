"""Puts one question to a backend again and again, for as long as the answer is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable


class Question(Protocol):
    """A question to one backend, which reports the answer itself."""

    @property
    def period(self) -> float:
        """Seconds from an answer to the next question."""

    async def __call__(self, sent_at: float) -> None:
        """Ask once. `sent_at`: now, on the driver's clock."""


async def ask_while_needed(question: Question, is_needed: Callable[[], bool], clock: Callable[[], float]) -> None:
    """Ask once a period while `is_needed` holds, until cancelled. `clock`: the driver's."""
    while True:
        if is_needed():
            await question(clock())
        await anyio.sleep(question.period)
