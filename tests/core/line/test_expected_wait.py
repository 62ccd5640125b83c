"""Medians, what they make one expect, and Retry-After."""

from __future__ import annotations

import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.line.expected_wait import Estimates, begins_in, retry_after


def test_nothing_is_known_before_it_was_measured() -> None:
    estimates = Estimates()
    assert (estimates.service, estimates.cold_start, estimates.service_of("xl")) == (None, None, None)


def test_only_the_last_hundred_count() -> None:
    estimates = Estimates()
    for seconds in [1000.0] * 100 + [2.0] * 100:
        estimates.served(seconds)
        estimates.warmed(seconds)
    assert (estimates.service, estimates.cold_start) == (2, 2)


def test_a_model_has_a_median_of_its_own_once_it_was_measured() -> None:
    estimates = Estimates()
    for seconds, model in ((4.0, "small"), (6.0, "small"), (40.0, "xl"), (5.0, None)):
        estimates.served(seconds, model)
    assert (estimates.service_of("small"), estimates.service_of("xl")) == (5, 40)
    assert estimates.service_of("new") == estimates.service_of(None) == estimates.service == 5.5


def test_the_models_that_are_remembered_are_bounded() -> None:
    estimates = Estimates()
    for number in range(300):
        estimates.served(float(number), f"model-{number}")
    assert estimates.service_of("model-299") == 299
    assert estimates.service_of("model-0") == estimates.service


@pytest.mark.parametrize(
    ("ahead", "slots", "seconds"),
    [
        (0, [3.0], 3),
        (2, [3.0], 23),
        (0, [0.0, 9.0], 0),
        (1, [0.0, 9.0], 9),
        (2, [0.0, 9.0], 10),
        (3, [0.0, 9.0], 19),
        (0, [60.0], 60),  # it starts still
        (5, [0.0, 60.0], 50),
        (7, [0.0, 60.0], 60),
    ],
)
def test_each_slot_is_taken_again_and_again(ahead: int, slots: list[float], seconds: float) -> None:
    assert begins_in(ahead, slots, 10.0) == seconds


@given(
    st.integers(0, 200),
    st.lists(st.integers(0, 900).map(float), min_size=1, max_size=8),
    st.integers(1, 60).map(float),
)
def test_a_long_line_is_reckoned_as_it_would_be_counted(ahead: int, slots: list[float], service: float) -> None:
    free = sorted(slots)
    for _ in range(ahead):
        heapq.heapreplace(free, free[0] + service)
    assert begins_in(ahead, slots, service) == free[0]


def test_work_that_takes_no_time_makes_nobody_wait() -> None:
    assert begins_in(1000, [0.0], 0.0) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("expected_wait", "seconds"), [(None, 10), (0.0, 1), (0.2, 1), (1.2, 2), (600.0, 600), (1e9, 600)]
)
def test_retry_after_is_whole_seconds_within_bounds(expected_wait: float | None, seconds: int) -> None:
    assert retry_after(expected_wait) == seconds
