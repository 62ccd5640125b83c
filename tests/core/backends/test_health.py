"""Bad luck, counted."""

from __future__ import annotations

from gateway.core.backends.health import Starts, suspect_seconds


def test_each_refusal_in_a_row_doubles_the_rest_up_to_half_a_minute() -> None:
    assert [suspect_seconds(n) for n in range(1, 9)] == [1, 2, 4, 8, 16, 30, 30, 30]


def test_three_dead_starts_in_a_row_are_hopeless_until_the_next_is_due() -> None:
    starts = Starts()
    for _ in range(2):
        starts.failed("exit code 1", next_at=8.0)
    assert not starts.is_hopeless(0.0)
    starts.failed("exit code 2", next_at=8.0)
    assert (starts.is_hopeless(7.9), starts.is_hopeless(8.0), starts.evidence) == (True, False, "exit code 2")


def test_a_success_clears_everything() -> None:
    starts = Starts()
    for _ in range(3):
        starts.failed("exit code 1", next_at=8.0)
    starts.wanted = True
    starts.succeeded()
    assert (starts.is_hopeless(0.0), starts.failures, starts.evidence, starts.wanted) == (False, 0, "", False)


def test_an_arrival_is_remembered_for_one_attempt() -> None:
    starts = Starts(wanted=True)
    starts.failed("exit code 1", next_at=8.0)
    assert not starts.wanted


def test_a_page_that_nobody_looks_at_any_more_is_forgotten() -> None:
    starts = Starts(watched_until=90.0)
    starts.expire(89.9)
    assert starts.watched_until == 90.0
    starts.expire(90.0)
    assert starts.watched_until is None
