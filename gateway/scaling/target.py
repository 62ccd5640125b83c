"""The protocol of a scaler's target."""

from __future__ import annotations

from typing import Protocol


class Target(Protocol):
    """Something that can be told how many pods should exist."""

    @property
    def pods(self) -> int:
        """Pods that exist: starting and ready, not those that are being stopped."""
        ...

    def apply(self, desired: int) -> None:
        """Come closer to `desired`, without waiting. It is told again at every evaluation: what cannot be done now
        may be left for the next time."""
        ...
