"""Places in line and bytes that a request holds while its body is read, and what each client holds of them. Whatever
happens to the request, `close` gives all of it back, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.core.records.decisions import Reason

if TYPE_CHECKING:
    from gateway.core.policy import Policy

#: Who it is that takes no part in shares: the simulation's requests, and proxies with many clients behind them.
NOBODY = ""


@dataclass(slots=True)
class Share:
    """What one client holds."""

    places: int = 0  # in line, or reserved while a body is read
    bytes: int = 0


_NOTHING = Share()


class Budget:
    """A pool's bounds on what it holds for others. Counters never go below zero, never above what was taken."""

    def __init__(self, policy: Policy) -> None:
        self.bytes_held = 0
        self.uploading = 0  # places reserved for requests whose bodies are being read
        self._shares: dict[str, Share] = {}  # by client; of those who hold something
        self.refit(policy)

    def refit(self, policy: Policy) -> None:
        """New bounds. What is held stays held."""
        self.bytes_limit = policy.bytes_limit
        self._client_bytes = policy.client_bytes

    def held_by(self, who: str) -> Share:
        """Not to be written."""
        return self._shares.get(who, _NOTHING)

    def hold(self, who: str, *, places: int = 0, count: int = 0) -> None:
        """A client takes so many places and bytes more, or (below 0) gives them back."""
        if who == NOBODY:
            return
        share = self._shares.get(who)
        if share is None:
            share = self._shares[who] = Share()
        share.places += places
        share.bytes += count
        if not (share.places or share.bytes):
            del self._shares[who]

    def lacks_bytes(self, who: str, count: int) -> Reason | None:
        """Why a client cannot have so many bytes more."""
        if self.bytes_held + count > self.bytes_limit:
            return Reason.BYTES_FULL
        if who != NOBODY and self.held_by(who).bytes + count > self._client_bytes:
            return Reason.CLIENT_FULL
        return None


class Room:
    """One request's share. Made by `Pool.enter` (with a place in line) or `Pool.spare_room` (without)."""

    __slots__ = ("_budget", "_bytes", "_has_place", "_who", "lacked")

    def __init__(self, budget: Budget, who: str = NOBODY, *, place: bool) -> None:
        self.lacked = Reason.BYTES_FULL  # why it did not get what it asked for last
        self._budget = budget
        self._who = who
        self._bytes = 0
        self._has_place = place
        budget.uploading += place
        budget.hold(who, places=place)

    def fits(self, count: int) -> bool:
        """So many bytes more could be taken now. Takes none: what is announced may never come."""
        if lacks := self._budget.lacks_bytes(self._who, count):
            self.lacked = lacks
        return lacks is None

    def take(self, count: int) -> bool:
        """Reserve so many more bytes; False: the budget has not that many, and nothing was taken."""
        if not self.fits(count):
            return False
        self._hold(count)
        return True

    def give(self, count: int) -> None:
        """Give so many bytes back before the end."""
        self._hold(-count)

    def leave_place(self) -> None:
        """The request joins the line itself (or not): its reserved place is free."""
        if self._has_place:
            self._has_place = False
            self._budget.uploading -= 1
            self._budget.hold(self._who, places=-1)

    def close(self) -> None:
        """Give everything back. Harmless when repeated."""
        self.leave_place()
        self._hold(-self._bytes)

    def _hold(self, count: int) -> None:
        self._budget.bytes_held += count
        self._bytes += count
        self._budget.hold(self._who, count=count)
