"""Real pools that are watched: a feed on a clock that the test moves, and all that it is made of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gateway.core.views.page_summary import level_of
from gateway.ops.live import Frame, LiveFeed
from gateway.ops.recent import RecentRequests
from gateway.ops.timeline import Timeline

if TYPE_CHECKING:
    from tests.core.playbook import Playbook


class WatchedPools:
    """`books` are the pools; the feed's time is that of the first."""

    def __init__(self, *books: Playbook) -> None:
        self.books = books
        self.made = 0  # times that the pools were looked at
        self.scalers: dict[str, dict[str, object]] = {}
        self.stale: dict[str, list[str]] = {}
        self.hears: bool | None = None
        self.recent = RecentRequests()
        self.timeline = Timeline(
            lambda: [(book.pool.name, level_of(book.pool, book.now)) for book in self.books], lambda: self.scalers
        )
        self.feed = LiveFeed(
            pools=self._pools,
            scalers=lambda: self.scalers,
            status=lambda: (True, "serving"),
            stale=lambda: self.stale,
            hears=lambda: self.hears,
            recent=self.recent,
            timeline=self.timeline,
            clock=lambda: self.books[0].now,
            admin=True,
        )

    def later(self, seconds: float) -> None:
        """Time passes."""
        for book in self.books:
            book.at(book.now + seconds)

    def _pools(self) -> list[Any]:
        self.made += 1
        return [book.pool for book in self.books]


def told(frame: Frame, seen: int | None) -> tuple[str, dict[str, Any]]:
    """The event's name and what it says. One event, on lines as the standard has them."""
    name, data, *rest = frame.after(seen).decode().split("\n")
    assert rest == ["", ""]
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "), parse_constant=str)
