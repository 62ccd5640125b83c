"""What scalers outside the gateway are told."""

from __future__ import annotations

import pytest

from gateway.ops.scaling_view import scaling_of
from tests.doubles.views import backend_view, line_view, pool_view

SCALER = {"desired": 3, "ready": 9, "stable": 1.25, "panic": None, "in_panic": True, "bound": "gpus"}


def test_demand_and_what_it_is_made_of() -> None:
    backends = (backend_view("a", in_flight=1), backend_view("b", quarantined=1), backend_view("c", state="starting"))
    pool = pool_view(
        "sd", demand=5, in_flight=1, quarantined=1, line=line_view(waiting=2, waiting_exempt=1), backends=backends
    )

    assert scaling_of([pool], {}) == {
        "sd": {"demand": 5, "waiting": 2, "in_flight": 1, "quarantined": 1, "ready": 2},
    }


def test_a_scaler_adds_its_numbers_and_nothing_else() -> None:
    figures = scaling_of([pool_view("sd", demand=2)], {"sd": SCALER})["sd"]

    assert (figures["desired"], figures["stable"]) == (3, 1.25)
    assert not figures.keys() & {"panic", "in_panic", "bound"}


def test_what_is_here_is_told_by_the_pool() -> None:
    assert scaling_of([pool_view("sd")], {"sd": SCALER})["sd"]["ready"] == 1


def test_what_is_not_finite_is_left_out() -> None:
    assert "stable" not in scaling_of([pool_view("sd")], {"sd": {"stable": float("nan")}})["sd"]


def test_a_view_of_something_else_is_a_defect() -> None:
    with pytest.raises(TypeError):
        scaling_of([pool_view("sd")], {"sd": object()})
