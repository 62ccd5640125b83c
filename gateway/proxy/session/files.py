"""Which backend has which file: of those that it made or was sent, and told of on the way to a client.

For clients that keep no cookie. Names only: whose a file is, is the backend's to decide. Bounded; the least recently
named goes.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Files, by names of at most `_LONGEST` characters: together some megabytes at most.
REMEMBERED = 16_384
_LONGEST = 512


class FileHomes:
    """One pool's."""

    def __init__(self, capacity: int = REMEMBERED) -> None:
        self._capacity = capacity
        self._at: OrderedDict[str, str] = OrderedDict()

    def put(self, name: str, backend: str) -> None:
        """It is there; `backend`: an identity. One that is in two places is found in the later one."""
        if len(name) > _LONGEST:
            return
        self._at[name] = backend
        self._at.move_to_end(name)
        if len(self._at) > self._capacity:
            self._at.popitem(last=False)

    def find(self, names: Iterable[str]) -> str | None:
        """Where the first of them is that is known."""
        return next((self._at[name] for name in names if name in self._at), None)

    def __len__(self) -> int:
        return len(self._at)
