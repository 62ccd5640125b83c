"""Views in values that JSON has."""

from __future__ import annotations

import math

import pytest

from gateway.core.records.lanes import Lane
from gateway.core.views.snapshot import TicketView
from gateway.ops.plain_json import plain


def test_a_dataclass_is_an_object_of_its_fields() -> None:
    ticket = TicketView(number=7, lane="counted", label="r", age=1.23456789)

    assert plain((ticket,)) == [
        {
            "number": 7,
            "lane": "counted",
            "label": "r",
            "age": 1.234568,
            "working": None,
            "bound_to": None,
            "why": "",
            "model": None,
        }
    ]


def test_what_is_not_finite_is_null() -> None:
    assert plain({"inf": math.inf, "nan": math.nan, "half": 0.5}) == {"inf": None, "nan": None, "half": 0.5}


def test_an_enum_is_its_value_and_a_truth_stays_one() -> None:
    assert plain({Lane.COUNTED.value: Lane.EXEMPT, "cold": True}) == {"counted": "exempt", "cold": True}


@pytest.mark.parametrize("odd", [b"bytes", object(), TicketView])
def test_what_has_no_plain_form_is_an_error(odd: object) -> None:
    with pytest.raises(TypeError, match="no plain form"):
        plain([odd])
