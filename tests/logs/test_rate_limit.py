"""How much may be said of one thing. The test moves the clock."""

from __future__ import annotations

from gateway.logs.rate_limit import MOST, PERIOD, REMEMBERED, LogRateLimit


def test_the_same_once_in_a_while_and_then_how_often_it_was_not_said() -> None:
    ration = LogRateLimit(period=10)
    assert [ration.admit("link_lost", 1, now) for now in (0, 1, 9.9)] == [0, None, None]
    assert ration.admit("link_lost", 1, 10) == 2
    assert ration.admit("link_lost", 1, 20) == 0


def test_something_else_is_said_at_once() -> None:
    ration = LogRateLimit(period=10)
    assert ration.admit("link_lost", 1, 0) == 0
    assert ration.admit("link_lost", 2, 0) == 0
    assert ration.admit("disk_full", 1, 0) is None  # a line is known by its hash: kinds are in it


def test_a_hundred_that_fail_together_are_one_story() -> None:
    ration = LogRateLimit(period=10, most=3)
    said = [ration.admit("not_ready", line, 0) for line in range(100)]
    assert said == [0, 0, 0, *[None] * 97]
    assert ration.admit("link_lost", 1000, 0) == 0  # another kind has a ration of its own
    assert ration.admit("not_ready", 1001, 10) == 97
    assert ration.admit("not_ready", 1002, 10) == 0


def test_its_memory_is_bounded() -> None:
    ration = LogRateLimit(period=1e9, most=10**9)
    for line in range(10 * REMEMBERED):
        assert ration.admit("kind", line, 0) == 0
    assert len(ration._written) == REMEMBERED
    assert ration.admit("kind", 10 * REMEMBERED - 1, 1) is None  # it remembers the latest


def test_all_that_one_period_may_bring_is_remembered() -> None:
    """Else the same could be said twice in it."""
    kinds = 40  # more than there are
    assert kinds * MOST <= REMEMBERED
    assert PERIOD > 0
