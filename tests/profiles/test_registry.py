"""Profiles by name."""

from __future__ import annotations

import pytest

from gateway.core.ticket import Lane
from gateway.profiles.registry import PROFILES, profile
from gateway.profiles.rules import rule


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_knows_its_name_and_takes_rules(name: str) -> None:
    found = profile(name, [rule("POST /x", Lane.PASSIVE)])
    assert found.name == name
    assert found.treat("POST", b"/x").lane is Lane.PASSIVE


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="one of generic, a1111"):
        profile("a11111")
