"""A ring buffer that counts what was ever put in, so that a reader can ask for what is new."""

from __future__ import annotations

import itertools
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Ring(Generic[T]):
    """Keeps the newest `size` items."""

    def __init__(self, size: int) -> None:
        self.count = 0  # that were ever put in
        self._kept: deque[T] = deque(maxlen=size)

    def put(self, item: T) -> None:
        """Add the newest item."""
        self.count += 1
        self._kept.append(item)

    def between(self, first: int, last: int, most: int | None = None) -> list[T]:
        """The items after the first `first`, up to the `last`-th, that are kept, oldest first; of these the newest
        `most`."""
        wanted = max(0, last - first) if most is None else min(max(0, last - first), most)
        younger = self.count - last
        newest = itertools.islice(reversed(self._kept), younger, younger + wanted)
        return list(newest)[::-1]
