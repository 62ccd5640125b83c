"""Percentiles as hey takes them, and a histogram that counts everything once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.load.statistics import Bar, histogram, percentile

LATENCIES = st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=300).map(sorted)


@pytest.mark.parametrize(("percent", "rank"), [(10, 6), (25, 14), (50, 26), (75, 39), (90, 46), (95, 49), (99, 50)])
def test_of_fifty(percent: int, rank: int) -> None:
    assert percentile(range(1, 51), percent) == rank


@given(LATENCIES, st.sampled_from([10, 25, 50, 75, 90, 95, 99]))
def test_it_is_the_first_with_so_many_before_it_else_the_slowest(latencies: list[float], percent: int) -> None:
    heys = [lat for place, lat in enumerate(latencies) if place * 100 // len(latencies) >= percent]
    assert percentile(latencies, percent) == (heys or latencies[-1:])[0]


def test_ten_bars_of_equal_width() -> None:
    assert histogram([0.0, 0.5, 1.0, 1.5, 9.5, 10.0]) == [
        *(Bar(1.0, 3), Bar(2.0, 1), Bar(3.0, 0), Bar(4.0, 0), Bar(5.0, 0)),
        *(Bar(6.0, 0), Bar(7.0, 0), Bar(8.0, 0), Bar(9.0, 0), Bar(10.0, 2)),
    ]


def test_one_bar_if_all_are_the_same_and_none_if_there_are_none() -> None:
    assert histogram([0.2, 0.2]) == [Bar(0.2, 2)]
    assert histogram([]) == []


@given(LATENCIES)
def test_every_latency_is_in_one_bar(latencies: list[float]) -> None:
    bars = histogram(latencies)
    assert sum(bar.count for bar in bars) == len(latencies)
    assert all(bar.count >= 0 for bar in bars)
    assert bars[-1].upper == latencies[-1]
