"""The last so many of what never ends, counted, so that a reader can ask for what is new."""

from __future__ import annotations

import itertools
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Ring(Generic[T]):
    """Keeps the newest `size`."""

    def __init__(self, size: int) -> None:
        self.count = 0  # that were ever put in
        self._kept: deque[T] = deque(maxlen=size)

    def put(self, item: T) -> None:
        """The newest, for now."""
        self.count += 1
        self._kept.append(item)

    def between(self, first: int, last: int, most: int | None = None) -> list[T]:
        """Those after the first `first` and up to the `last`-th, as far as they are kept, oldest first; of them at
        `most` the newest."""
        wanted = max(0, last - first) if most is None else min(max(0, last - first), most)
        younger = self.count - last
        newest = itertools.islice(reversed(self._kept), younger, younger + wanted)
        return list(newest)[::-1]
