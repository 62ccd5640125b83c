"""Profiles by the names that the configuration uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.profiles.a1111 import a1111
from gateway.profiles.generic import generic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.profiles.rules import Rule
    from gateway.profiles.treatment import Profile

PROFILES: dict[str, Callable[[Iterable[Rule]], Profile]] = {"generic": generic, "a1111": a1111}


def profile(name: str, extra_rules: Iterable[Rule] = ()) -> Profile:
    """The profile of that name. `extra_rules` go before its own, save that rules that deny always come first.
    Raises ValueError for a name that is not known."""
    if name not in PROFILES:
        raise ValueError(f"one of {', '.join(PROFILES)}")
    return PROFILES[name](extra_rules)
