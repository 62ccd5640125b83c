"""The profile of unknown backends: every request counts, unless the configuration says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.profiles.rules import RuleTable
from gateway.profiles.treatment import Profile, Readiness

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.profiles.rules import Rule


def generic(rules: Iterable[Rule] = ()) -> Profile:
    """Ready when its port is open. It cannot be asked whether it is idle, nor be interrupted."""
    return Profile("generic", RuleTable(rules).treatment, Readiness("tcp"), counts_everything=True)
