"""Profiles by name."""

from __future__ import annotations

import pytest

from gateway.core.records.lanes import Lane
from gateway.profiles.generic import generic
from gateway.profiles.registry import PROFILES, profile
from gateway.profiles.rules import rule


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_knows_its_name_and_takes_rules(name: str) -> None:
    found = profile(name, [rule("POST /x", Lane.PASSIVE)])
    assert found.name == name
    assert found.treat("POST", b"/x").lane is Lane.PASSIVE


@pytest.mark.parametrize("name", PROFILES)
def test_what_nobody_names_is_counted_when_it_is_posted(name: str) -> None:
    assert profile(name).treat("POST", b"/never/heard/of").lane is Lane.COUNTED


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="one of generic, a1111"):
        profile("a11111")


def test_a_profile_of_ones_own_is_found_by_its_module() -> None:
    found = profile(f"{generic.__module__}:{generic.__name__}", [rule("GET /x", Lane.EXEMPT)])
    assert (found.name, found.treat("GET", b"/x").lane) == ("generic", Lane.EXEMPT)


@pytest.mark.parametrize(
    "name", ["no_such_module:f", "json:no_such_function", "json:loads", "json:JSONDecoder", ":", "json:", ".x:y"]
)
def test_what_leads_to_no_profile_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a function that makes a profile"):
        profile(name)
