"""The level of a few requests, second by second."""

from __future__ import annotations

from gateway.core.scaling.concurrency import MOST_SECONDS, TimeWeighted


def test_each_whole_second_has_its_own_average_and_is_taken_once() -> None:
    level = TimeWeighted()
    level.set(10.0, 1)
    level.set(10.5, 3)
    level.set(11.25, 0)
    assert level.seconds(11.99) == [(10, 2.0)]
    assert level.seconds(13.0) == [(11, 0.75), (12, 0.0)]
    assert level.seconds(13.9) == []


def test_a_late_reader_gets_every_second_missed() -> None:
    level = TimeWeighted()
    level.set(0.0, 2)
    assert level.seconds(4.25) == [(0, 2.0), (1, 2.0), (2, 2.0), (3, 2.0)]


def test_the_running_second_counts_as_far_as_it_is_over() -> None:
    level = TimeWeighted()
    assert level.running(9.5) == (9, 0.0)
    level.set(10.0, 4)
    assert level.running(10.0) == (10, 4.0), "nothing of it is over: the level itself"
    level.set(10.25, 2)
    assert level.running(10.5) == (10, 3.0)
    assert level.seconds(11.0) == [(10, 2.5)]
    assert level.running(11.5) == (11, 2.0)


def test_a_second_that_is_not_known_from_its_beginning_counts_with_the_next() -> None:
    level = TimeWeighted()
    level.set(10.75, 4)
    level.set(10.875, 0)
    assert level.running(11.0) == (11, 2.0)
    assert level.seconds(11.9) == []
    assert level.seconds(12.0) == [(11, 4 * 0.125 / 1.25)]


def test_what_is_forgotten_has_not_been() -> None:
    level = TimeWeighted()
    level.set(10.0, 1)
    level.set(12.0, 0)
    level.forget(12.5)
    assert level.seconds(20.0) == [], "an idle time is no data"
    level.set(20.5, 5)
    level.forget(20.75)
    assert level.level == 5
    assert level.running(20.75) == (21, 5.0)
    assert level.seconds(22.0) == [(21, 5.0)]


def test_a_level_that_is_told_again_changes_nothing() -> None:
    level = TimeWeighted()
    level.set(9.5, 0)
    level.set(10.0, 1)
    level.set(10.5, 1)
    assert level.seconds(11.0) == [(10, 1.0)]


def test_nobody_takes_them_for_a_month() -> None:
    level = TimeWeighted()
    level.set(0.0, 1)
    level.set(2_600_000.5, 0)
    taken = level.seconds(2_600_001.0)
    assert len(taken) == MOST_SECONDS
    assert taken[-2:] == [(2_599_999, 1.0), (2_600_000, 0.5)]
