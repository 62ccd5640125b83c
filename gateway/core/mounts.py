"""Where a pool's pods serve their application: what is taken off a path before it is sent, and below which root of
the path that is left the profile's own routes begin. Pure; decides nothing about a request but its paths."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from gateway.core.routing import lenient_paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Mounts:
    """One pool's. No path in it ends with a slash; `""` is the root of everything."""

    stripped: tuple[str, ...] = ()  # prefixes that pods are not sent
    roots: tuple[str, ...] = ("",)  # in paths as pods get them; the gateway's own requests go below the first

    @property
    def root(self) -> str:
        """The one that the gateway's own requests go below, as their targets spell it."""
        return quote(self.roots[0])

    def prefix_of(self, raw: bytes) -> str:
        """What is taken off a path as a client spelled it; `""`: nothing."""
        return next((each for each in _longest_first(self.stripped) if without(each, raw) is not None), "")

    def below(self, sent: bytes) -> bytes | None:
        """A path as pods get it, from its root on, as it was spelled. None: it lies beside every root. A server that is
        told its prefix takes that off where it still finds it (Starlette's `root_path`), so it is taken off here."""
        while prefix := self.prefix_of(sent):
            sent = without(prefix, sent) or sent
        behind = (without(root, sent) for root in _longest_first(self.roots))
        return next((path for path in behind if path is not None), None)

    def readings_below(self, sent: bytes) -> Iterator[str]:
        """What some pod could take for the path from its root on: in whatever case the root is spelled, with a prefix
        that it still finds and without."""
        starts = [each.lower() for each in (*self.stripped, *self.roots) if each]
        for reading in lenient_paths(sent):
            yield from _without_any(starts, reading)
            if self.stripped and "" in self.roots:
                yield reading


#: Pods that serve at the root, and are sent what clients ask for.
AT_ROOT = Mounts()


def without(start: str, raw: bytes) -> bytes | None:
    """A path or target as it was spelled, without the decoded path that it starts with; None: it does not."""
    if not start:
        return raw
    found = _spelled(start).match(raw)
    if found is None:
        return None
    rest = raw[found.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest


def _without_any(starts: Iterable[str], reading: str) -> Iterator[str]:
    for start in starts:
        if reading.lower() == start or reading.lower().startswith(start + "/"):
            rest = reading[len(start) :] or "/"
            yield rest
            yield from _without_any(starts, rest)


def _longest_first(paths: Iterable[str]) -> list[str]:
    return sorted(paths, key=len, reverse=True)


@lru_cache(256)
def _spelled(start: str) -> re.Pattern[bytes]:
    """Every spelling that decodes to `start` at once, up to a separator."""
    letters = (b"(?:%b|(?i:%%%02x))" % (re.escape(bytes((byte,))), byte) for byte in start.encode())
    return re.compile(b"".join(letters) + rb"(?=/|%2[fF]|\?|\Z)")
