"""Each error says how its request ended."""

from __future__ import annotations

import pytest

from gateway.core.records.decisions import Ending, Reason, Refusal
from gateway.proxy.errors import BodyTooLarge, BodyTooSlow, ClientLeft, Denied, EdgeError, NoRoute, Refused


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (NoRoute("nobody.example.com"), Ending.NO_ROUTE),
        (Denied(), Ending.NO_ROUTE),
        (BodyTooLarge(10, 11), Ending.NO_ROUTE),
        (BodyTooSlow(0, 30.0), Ending.CLIENT_SLOW_UPLOADING),
        (ClientLeft(Ending.CLIENT_LEFT_WAITING), Ending.CLIENT_LEFT_WAITING),
        (Refused(Refusal(Reason.LINE_FULL, 10)), Ending.REFUSED),
        (Refused(Refusal(Reason.STOPPING, 10)), Ending.REFUSED),
        (Refused(Refusal(Reason.WAITED_TOO_LONG, 10), place=3), Ending.WAITED),
        (Refused(Refusal(Reason.NOTHING_CAME_UP, 10)), Ending.WAITED),
        (Refused(Refusal(Reason.CLIENT_LIMIT, 10)), Ending.WAITED),
    ],
)
def test_an_error_knows_its_ending(error: EdgeError, ending: Ending) -> None:
    assert error.ending is ending
