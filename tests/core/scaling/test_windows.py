"""What the autoscaler remembers. That it agrees with Knative's is shown in test_decider.py, on recorded timelines."""

from __future__ import annotations

import random

import pytest

from gateway.core.scaling.windows import BucketedAverage, SlidingMaximum


def recorded(window: BucketedAverage, *values: float, since: int = 0) -> BucketedAverage:
    for second, value in enumerate(values, since):
        window.record(second, value)
    return window


def test_the_first_seconds_average_over_what_there_is() -> None:
    assert recorded(BucketedAverage(60), 5.0).average(0.4) == 5.0
    assert recorded(BucketedAverage(60), 5.0, 1.0).average(1.9) == 3.0


def test_values_of_one_second_add_and_seconds_without_count_as_nothing() -> None:
    window = BucketedAverage(6)
    window.record(10.1, 1.0)
    window.record(10.9, 2.0)
    window.record(13.0, 3.0)
    assert window.average(13) == 1.5


def test_silence_shortens_the_window() -> None:
    window = recorded(BucketedAverage(4), 1.0, 2.0, 3.0, 4.0)
    assert [window.average(t) for t in (3, 4, 5, 6, 7)] == [2.5, 3.0, 3.5, 4.0, 0.0]


def test_the_late_are_counted_and_the_too_late_are_not() -> None:
    window = recorded(BucketedAverage(4), 4.0, since=10)
    window.record(7.5, 2.0)
    window.record(6.9, 100.0)
    assert window.average(10) == 1.5


def test_it_is_empty_when_its_newest_is_older_than_the_window() -> None:
    window = BucketedAverage(6)
    assert window.is_empty(0)
    recorded(window, 1.0)
    assert not window.is_empty(6.9)
    assert window.is_empty(7.0)
    window.clear()
    assert window.is_empty(0)
    assert window.average(0) == 0.0


def test_a_long_silence_begins_anew() -> None:
    window = recorded(BucketedAverage(4), 9.0, 9.0)
    window.record(100, 1.0)
    assert window.average(100) == 1.0


def test_the_running_total_stays_true() -> None:
    rng = random.Random(7)
    window, values = BucketedAverage(60), [rng.random() * 50 for _ in range(5000)]
    recorded(window, *values)
    assert window.average(4999) == pytest.approx(sum(values[-60:]) / 60, abs=1e-6)


def test_a_weighted_average_looks_at_the_newest_most() -> None:
    window = recorded(BucketedAverage(60, "weighted-exponential"), 0.0, 10.0)
    assert window.average(1) == 2.0
    assert window.average(2) == pytest.approx(1.6)
    assert window.average(61) == 0.0
    assert recorded(BucketedAverage(6, "weighted-exponential"), 1.0).average(0) == pytest.approx(0.784557, abs=1e-6)


@pytest.mark.parametrize(
    ("size", "average"),
    [(2, (3 + 4) / 2), (4, (1 + 2 + 3 + 4) / 4), (8, (1 + 2 + 3 + 4) / 4)],
)
def test_another_size_keeps_the_newest_seconds(size: int, average: float) -> None:
    window = recorded(BucketedAverage(4), 0.0, 1.0, 2.0, 3.0, 4.0)
    window.resize(size, "linear")
    assert window.average(4) == average
    window.record(5, 5.0)
    assert window.average(5) == (sum(range(6 - size, 6)) / size if size < 8 else 3.0)


def test_another_size_of_nothing_is_nothing() -> None:
    window = BucketedAverage(4)
    window.resize(8, "weighted-exponential")
    assert window.is_empty(0)
    assert window.average(0) == 0.0


def test_the_largest_wish_within_the_delay() -> None:
    wishes = SlidingMaximum(6)
    assert [wishes.record(t, wish) for t, wish in [(0, 5), (2, 3), (4, 4), (5, 1)]] == [5, 5, 5, 5]
    assert wishes.record(6, 2) == 4
    assert wishes.record(10, 2) == 2
    assert wishes.record(10.5, 7) == 7
    wishes.clear()
    assert wishes.record(11, 1) == 1
