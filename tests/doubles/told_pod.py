"""A pod that a dialogue asks: it says what it was told to say, and when nothing was told, nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.dialogues.dialogue import Reply

if TYPE_CHECKING:
    from collections.abc import Callable


class ToldPod:
    """Satisfies `dialogues.dialogue.Pod`. `answers` gives the body for a target; None: no answer."""

    def __init__(self, answers: Callable[[str], bytes | None], status: int = 200) -> None:
        self.gone = False
        self.asked: list[str] = []
        self.answers = answers
        self.status = status

    async def get(self, target: str, most: int) -> Reply | None:
        """What it says now."""
        self.asked.append(target)
        body = self.answers(target)
        return None if body is None else Reply(self.status, body[:most], len(body) <= most)
