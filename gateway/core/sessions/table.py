"""The table of sessions: each one's home, and how many sessions each backend has.

Only sessions whose cookie came back are known here: until then the cookie itself carries the home, and a cookie that
never returns is no session. A session is live while it is known: until `ttl` seconds after its last counted or
exempt request, or until it is the least recently used of more than `capacity`.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class Session:
    """A visitor who came back."""

    id: str
    home: str | None  # identity of a backend, which may be gone
    seen: float


class SessionTable:
    """Bounded, least recently used out. `changed` collects the backends whose number of sessions has changed; the
    pool takes it after each call."""

    def __init__(self, capacity: int, ttl: float) -> None:
        self.capacity = capacity
        self.ttl = ttl
        self.changed: set[str] = set()
        self._sessions: OrderedDict[str, Session] = OrderedDict()  # the least recently seen first
        self._at_home: dict[str, int] = {}

    def get(self, session_id: str) -> Session | None:
        """A session, if it is live. Does not prolong it."""
        return self._sessions.get(session_id)

    def touch(self, session_id: str, home: str | None, now: float) -> Session:
        """A counted or exempt request of a returning session. `home` counts only if the session was not known."""
        session = self._sessions.get(session_id)
        if session is None:
            session = self._sessions[session_id] = Session(session_id, None, now)
            self.move(session, home)
            while len(self._sessions) > self.capacity:
                self._drop_oldest()
        session.seen = now
        self._sessions.move_to_end(session_id)
        return session

    def move(self, session: Session, home: str | None) -> None:
        """`session` belongs to `home` from now on."""
        self._count(session.home, -1)
        session.home = home
        self._count(home, +1)

    def expire(self, now: float) -> None:
        """Forget the sessions whose time is over."""
        while (seen := self.oldest_seen()) is not None and seen + self.ttl <= now:
            self._drop_oldest()

    def oldest_seen(self) -> float | None:
        """When the session that expires next was seen."""
        for session in self._sessions.values():
            return session.seen
        return None

    def at_home(self, identity: str) -> int:
        """Live sessions of a backend."""
        return self._at_home.get(identity, 0)

    def __len__(self) -> int:
        return len(self._sessions)

    def newest(self) -> Iterator[Session]:
        """All sessions, the most recently seen first."""
        return reversed(self._sessions.values())

    def _drop_oldest(self) -> None:
        _, session = self._sessions.popitem(last=False)
        self._count(session.home, -1)

    def _count(self, home: str | None, change: int) -> None:
        if home is None:
            return
        count = self._at_home.get(home, 0) + change
        if count:
            self._at_home[home] = count
        else:
            self._at_home.pop(home, None)
        self.changed.add(home)
