"""A target whose pods exist as soon as they are desired, and that keeps what it was told and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class RecordingTarget:
    """Implements `gateway.scaling.target.Target`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.pods = 0
        self.told: list[tuple[float, int]] = []
        self._clock = clock

    def apply(self, desired: int) -> None:
        """So be it."""
        self.pods = desired
        self.told.append((self._clock(), desired))
