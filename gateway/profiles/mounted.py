"""A profile for pods that serve its application below a path. All that the profile says of paths stays as it is.

A path is looked up from its root on. What lies beside the root is no route of the profile's: only the configuration's
rules name it. And no spelling gets around a rule: one that denies is tried against every reading of the whole path,
too, and what a rule counts in any reading from a root on is counted.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from gateway.core.mounts import AT_ROOT
from gateway.core.records.lanes import Lane
from gateway.core.routing import lenient_paths
from gateway.profiles.rules import COUNTED_BY_DEFAULT, REMEMBERED, REMEMBERED_LENGTH, RuleTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.core.mounts import Mounts
    from gateway.profiles.rules import Rule
    from gateway.profiles.treatment import Profile, Treatment


def mounted(profile: Profile, mounts: Mounts, configured: Iterable[Rule] = ()) -> Profile:
    """`profile`, asked about paths as pods get them. Its probes and orders go below the root; its functions are asked
    for with the dialogues' questions, which are put below it when they are sent. `configured`: the rules of the
    configuration, which `profile` has already."""
    if mounts == AT_ROOT:
        return profile
    root, readiness, fallback = mounts.root, profile.readiness, profile.readiness.fallback
    if fallback is not None:
        fallback = replace(fallback, path=root + fallback.path, never=root + fallback.never)
    return replace(
        profile,
        treat=_MountedRules(profile, mounts, configured).treatment,
        readiness=replace(readiness, path=root + readiness.path, fallback=fallback),
        idle=profile.idle and replace(profile.idle, path=root + profile.idle.path),
        interrupt=profile.interrupt and replace(profile.interrupt, path=root + profile.interrupt.path),
        loaded=profile.loaded and replace(profile.loaded, path=root + profile.loaded.path),
        choosing=profile.choosing and replace(profile.choosing, path=root + profile.choosing.path),
    )


def is_asked_below(profile: Profile, prefix: str) -> bool:
    """The profile's own questions go below that path (`/sdapi`): there it is a part of the application's routes."""
    asked = (profile.readiness, profile.idle, profile.interrupt, profile.loaded, profile.choosing, profile.functions)
    return any(each is not None and f"{each.path}/".startswith(f"{prefix}/") for each in asked)


class _MountedRules:
    def __init__(self, profile: Profile, mounts: Mounts, configured: Iterable[Rule]) -> None:
        self._known = profile.treat
        self._mounts = mounts
        self._beside = RuleTable(configured)
        self._remembered = lru_cache(REMEMBERED)(self._find)

    def treatment(self, method: str, sent: bytes) -> Treatment:
        """Of a path as pods get it."""
        if len(sent) > REMEMBERED_LENGTH or len(method) > REMEMBERED_LENGTH:
            return self._find(method, sent)
        return self._remembered(method, sent)

    def _find(self, method: str, sent: bytes) -> Treatment:
        below = self._mounts.below(sent)
        found = self._beside.treatment(method, sent) if below is None else self._known(method, below)
        inside = [self._read(method, reading) for reading in self._mounts.readings_below(sent)]
        whole = (self._read(method, reading) for reading in lenient_paths(sent))
        for other in (*inside, *whole):
            if other.lane is Lane.DENIED:
                return other
        if found.lane is not Lane.DENIED and any(other.lane is Lane.COUNTED for other in inside):
            return found if found.lane is Lane.COUNTED else COUNTED_BY_DEFAULT
        return found

    def _read(self, method: str, reading: str) -> Treatment:
        return self._known(method, quote(reading).encode())
