"""The arithmetic of the bench."""

from __future__ import annotations

import pytest

from bench.figures import Spread, idle_gaps, ratios, spread


def test_the_median_counts_and_the_extremes_are_shown() -> None:
    several = Spread((3.0, 1.0, 7.0, 2.0, 5.0))
    assert (several.median, several.least, several.most) == (3.0, 1.0, 7.0)


def test_what_one_run_could_not_tell_is_not_told_at_all() -> None:
    assert spread([1.0, 2.0]) == Spread((1.0, 2.0))
    assert spread([1.0, None]) is None
    assert spread([]) is None


def test_a_run_is_compared_with_the_reference_of_its_own_round() -> None:
    assert ratios([50.0, 30.0], [100.0, 40.0]) == [0.5, 0.75]


def test_gaps_lie_between_the_work_of_one_pod_and_never_between_pods() -> None:
    one = [(0.0, 1.0), (1.5, 2.0), (2.25, 3.0)]
    other = [(10.0, 11.0), (11.125, 12.0)]
    assert idle_gaps([one, other]) == [0.125, 0.25, 0.5]


def test_the_order_of_notes_does_not_matter_and_work_on_two_at_once_shows() -> None:
    assert idle_gaps([[(2.0, 4.0), (0.0, 3.0)]]) == pytest.approx([-1.0])


def test_a_pod_that_worked_once_or_never_has_no_gap() -> None:
    assert idle_gaps([[(0.0, 1.0)], []]) == []
