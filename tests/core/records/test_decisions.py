"""The words for how a request ends."""

from __future__ import annotations

import pytest

from gateway.core.records.decisions import Ending, Outcome


def test_no_two_endings_share_their_letters() -> None:
    assert len(Ending.__members__) == len(list(Ending)), "an enum makes the second of a value an alias of the first"
    assert all(len(ending.value) == 2 for ending in Ending)


@pytest.mark.parametrize("ending", Ending)
def test_the_letters_tell_the_outcome(ending: Ending) -> None:
    who, where = ending.value
    if ending in (Ending.SERVED, Ending.ANSWERED_HERE):
        expected = Outcome.SERVED
    elif who == "C":
        expected = Outcome.CLIENT_GONE
    elif where == "D":
        expected = Outcome.CUT
    else:
        expected = Outcome.REFUSED
    assert ending.outcome is expected
