"""A map that keeps what was looked up or written last, and no more than so many entries."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

_Value = TypeVar("_Value")

#: Entries of one map. Keys have some hundred bytes, so a map has a few megabytes at most.
REMEMBERED = 16_384


class Latest(Generic[_Value]):
    """By text; the least recently used goes first."""

    def __init__(self, capacity: int = REMEMBERED) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[str, _Value] = OrderedDict()

    def get(self, key: str) -> _Value | None:
        """The value under `key`, which counts as used. None: there is none."""
        if key not in self._entries:
            return None
        self._entries.move_to_end(key)
        return self._entries[key]

    def put(self, key: str, value: _Value) -> None:
        """In place of what was there."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def discard(self, key: str) -> None:
        """Drops `key`, if it is there."""
        self._entries.pop(key, None)

    def __len__(self) -> int:
        return len(self._entries)
