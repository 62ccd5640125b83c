"""What the option says and what is in memory are two things."""

from __future__ import annotations

import pytest

from gateway.demo.a1111.checkpoints import TITLES, Checkpoints


@pytest.mark.parametrize("name", ["a", "a.safetensors", TITLES[1]])
def test_a_model_by_any_of_its_names(name: str) -> None:
    assert Checkpoints().find(name) == TITLES[1]
    assert Checkpoints().needed(name) == TITLES[1]


@pytest.mark.parametrize("name", ["", "c", None, 7, ["a"]])
def test_a_name_that_is_not_known_is_dropped(name: object) -> None:
    assert Checkpoints().find(name) is None
    assert Checkpoints().needed(name) == TITLES[0]


def test_they_are_listed_by_title_and_name() -> None:
    assert [each["model_name"] for each in Checkpoints().listed()] == ["stand-in", "a", "b"]
