"""Turns a desired number into starts and stops of processes of ours.

Never stops one that works, and never a starting one while anything waits. Holds no state: it is told the desired
number again and again, and each time does what can be done then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Fleet(Protocol):
    """The processes of one pool. Every call returns at once."""

    @property
    def existing(self) -> int:
        """Processes that are starting or ready, without those that are being stopped."""
        ...

    def start(self) -> None:
        """Start one more, if that is possible now."""
        ...

    def stop(self, identity: str) -> None:
        """Stop this one, which exists no longer from here on. Nothing happens if it is stopping or unknown."""
        ...

    def replace(self, identity: str, because: str) -> None:
        """The same for one that is not well."""
        ...


class ProcessTarget:
    """A `Target` made of processes."""

    def __init__(
        self,
        fleet: Fleet,
        *,
        take_for_removal: Callable[[], str | None],
        starting: Callable[[], Sequence[str]],
        overdue: Callable[[], Mapping[str, str]],
        waiting: Callable[[], int],
    ) -> None:
        """`take_for_removal`: the pool chooses a ready one without work and drains it in the same step (None: all are
        busy). `starting`: those that are not ready and have no work, oldest first. `overdue`: those that are
        not waited for but replaced, and why: quarantined for too long, or found to fail too often. `waiting`: requests
        that need a pod."""
        self._fleet = fleet
        self._take_for_removal = take_for_removal
        self._starting = starting
        self._overdue = overdue
        self._waiting = waiting

    @property
    def pods(self) -> int:
        """Processes that are starting or ready."""
        return self._fleet.existing

    def apply(self, desired: int) -> None:
        """Replace what is overdue, then start or stop the difference."""
        for identity, because in self._overdue().items():
            self._fleet.replace(identity, because)
        surplus = self._fleet.existing - desired
        for _ in range(-surplus):
            self._fleet.start()
        if surplus > 0:
            self._stop(surplus)

    def _stop(self, surplus: int) -> None:
        """Those that are of no use yet, the newest first, unless somebody waits for them; beyond their number idle
        ones, as far as there are any."""
        starting = self._starting()[::-1][:surplus]
        if not self._waiting():
            for identity in starting:
                self._fleet.stop(identity)
        for _ in range(surplus - len(starting)):
            idle = self._take_for_removal()
            if idle is None:
                return
            self._fleet.stop(idle)
