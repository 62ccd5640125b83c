"""What belongs to no one protocol: two jobs of one name, and what nobody tells of."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.dialogues.dialogue import End, Unfollowed
from gateway.dialogues.told_ends import ToldEnds
from tests.doubles.told_pod import ToldPod
from tests.doubles.virtual_time import virtual_time

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time()


async def test_a_name_that_is_used_again_is_the_later_jobs() -> None:
    ends = ToldEnds()
    first, second = ends.begun("j", "s"), ends.begun("j", "s")
    first.over.set()
    assert await first.until_over(ToldPod(lambda target: b"")) is End.SEEN
    assert ends.is_told_of("s")
    ends.ended("j")
    assert second.over.is_set()


async def test_how_it_ended_is_told_whichever_is_known_first_the_end_or_the_name() -> None:
    ends, pod = ToldEnds(), ToldPod(lambda target: b"")
    early = ends.begun("a", "s")
    for name in "ab":
        ends.ended(name, End.GAVE_NOTHING)
    late = ends.begun("b", "s")
    assert [await job.until_over(pod) for job in (early, late)] == [End.GAVE_NOTHING] * 2


async def test_what_nobody_tells_of_is_not_waited_for() -> None:
    assert await Unfollowed().until_over(ToldPod(lambda target: b"")) is End.UNSEEN
