"""Jobs that are queued by an extension and answered at once."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from gateway.demo.a1111.scheduler import Scheduler
from gateway.demo.a1111.wish import Wish
from gateway.demo.gpu import TwoAtOnceError
from tests.doubles.virtual_time import virtual_time_of_asyncio

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


async def test_they_are_begun_one_after_the_other_a_moment_after_their_answers() -> None:
    begun: list[tuple[float, str]] = []
    start = anyio.current_time()

    async def work(name: str, wish: Wish) -> None:
        begun.append((round(anyio.current_time() - start, 2), wish.prompt))
        if wish.prompt == "cat":
            raise TwoAtOnceError
        await anyio.sleep(5)

    scheduler = Scheduler(work, lag=0.5)
    names = {scheduler.enqueue(Wish.of({"prompt": prompt})) for prompt in ("dog", "cat", "cow")}
    assert (len(names), begun) == (3, [])
    await anyio.sleep(20)
    assert begun == [(0.5, "dog"), (6.0, "cat"), (6.5, "cow")]
    scheduler.enqueue(Wish.of({"prompt": "hen"}))
    await anyio.sleep(1)
    assert begun[-1] == (20.5, "hen")
