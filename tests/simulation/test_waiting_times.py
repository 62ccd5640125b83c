"""What people are told of the time they will wait is near to what they wait."""

from __future__ import annotations

import pytest

from tests.simulation.waiting_times import BOUND, BUSY, NOTHING, STARTING, Told, made_up


@pytest.fixture(scope="module")
def requests() -> list[tuple[float, float, str]]:
    """A part of the made-up trace: 23 s of work in the median, 70 s at the 95th percentile; starts of a minute."""
    return made_up()[:1500]


def test_the_wait_that_is_told_is_near_the_wait_that_follows(requests: list[tuple[float, float, str]]) -> None:
    told = Told(requests, pods=8, cookies=False)
    assert told.unknown == 1, "the first of all, before anything was measured"
    assert told.error(NOTHING) < 2
    assert told.error(STARTING) < 12
    assert told.error(BUSY) < 12


def test_so_is_that_of_those_who_wait_for_their_home(requests: list[tuple[float, float, str]]) -> None:
    assert Told(requests, pods=8, cookies=True).error(BOUND) < 40
