"""Asking again and again while the answer is needed. In virtual time."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from gateway.probing.questions import ask_while_needed
from tests.doubles.virtual_time import virtual_time

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time()


class SlowQuestion:
    """It takes half a second for an answer."""

    period = 2.0

    def __init__(self) -> None:
        self.sent: list[float] = []

    async def __call__(self, sent_at: float) -> None:
        self.sent.append(sent_at)
        await anyio.sleep(0.5)


async def test_it_is_asked_a_period_after_each_answer_while_the_answer_is_needed() -> None:
    question = SlowQuestion()
    with anyio.move_on_after(12):
        await ask_while_needed(question, lambda: 1 < anyio.current_time() < 8, lambda: anyio.current_time() + 100)
    assert question.sent == [102, 104.5, 107]
