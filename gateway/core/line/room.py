"""Places in line and bytes that a request holds while its body is read. Whatever happens to the request, `close`
gives all of it back, once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Budget:
    """A pool's bounds on what it holds for others. Counters never go below zero, never above what was taken."""

    bytes_limit: int
    bytes_held: int = 0
    uploading: int = 0  # places reserved for requests whose bodies are being read


class Room:
    """One request's share. Made by `Pool.enter` (with a place in line) or `Pool.spare_room` (without)."""

    __slots__ = ("_budget", "_bytes", "_has_place")

    def __init__(self, budget: Budget, *, place: bool) -> None:
        self._budget = budget
        self._bytes = 0
        self._has_place = place
        budget.uploading += place

    def take(self, count: int) -> bool:
        """Reserve so many more bytes; False: the budget has not that many, and nothing was taken."""
        if self._budget.bytes_held + count > self._budget.bytes_limit:
            return False
        self._budget.bytes_held += count
        self._bytes += count
        return True

    def give(self, count: int) -> None:
        """Give so many bytes back before the end."""
        self._budget.bytes_held -= count
        self._bytes -= count

    def leave_place(self) -> None:
        """The request joins the line itself (or not): its reserved place is free."""
        if self._has_place:
            self._has_place = False
            self._budget.uploading -= 1

    def close(self) -> None:
        """Give everything back. Harmless when repeated."""
        self.leave_place()
        self._budget.bytes_held -= self._bytes
        self._bytes = 0
