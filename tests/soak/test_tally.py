"""What a soak reports."""

from __future__ import annotations

import pytest

from tests.soak.tally import ALLOWED, Tally
from tests.system.promises import NOTHING, Broken


def test_rounds_add_up(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    tally.add("siege", 300, Broken(double_runs=1))
    tally.add("siege", 300, Broken(double_runs=2, leaked=1))
    tally.add("kills", 60, NOTHING)
    assert (tally.requests, tally.rounds) == (660, {"siege": 2, "kills": 1})
    assert {name: count for name, count in tally.numbers.items() if count} == {"double runs": 3, "leaked": 1}
    assert "kept all promises" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("memory", "growth"),
    [
        ([], 0),
        ([100, 200], 0),
        ([50_000, 60_000, 60_000, 60_000 + ALLOWED, 60_000, 60_000 + ALLOWED], 0),
        ([50_000, 60_000, 60_000, 60_000, 60_000, 60_001 + ALLOWED], 1),
    ],
)
def test_growth_is_what_is_left_at_the_end_beyond_what_is_allowed(memory: list[int], growth: int) -> None:
    assert Tally(memory=memory).growth == growth
