"""In what manner a pod of the bench works."""

from __future__ import annotations

import random
from itertools import islice

import pytest

from bench.manners import MANNERS, End


@pytest.mark.parametrize(
    ("manner", "ends"),
    [
        ("well", [End.ANSWER] * 6),
        ("error", [End.ERROR] * 6),
        ("break", [End.CLOSE] * 6),
        ("flap", [End.ERROR, End.ERROR, End.ANSWER] * 2),
    ],
)
def test_each_ends_as_its_name_says(manner: str, ends: list[End]) -> None:
    assert [turn.end for turn in islice(MANNERS[manner](1.0, random.Random(0)), 6)] == ends


def test_an_answer_takes_as_long_whatever_came_before_it_and_an_error_no_time() -> None:
    bad, _, good = islice(MANNERS["flap"](10.0, random.Random(0)), 3)
    assert bad.seconds < 0.1
    assert 9 <= good.seconds <= 11


def test_who_breaks_off_has_begun() -> None:
    assert next(MANNERS["break"](10.0, random.Random(0))).seconds == 2.5
