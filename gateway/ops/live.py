"""What the page shows, several times a second: one frame for all who watch, made when the first of them asks for it,
and none while nobody does.

A frame is figures (the pools as they are) and news (what has ended or was measured since the frame before). Whoever
has missed one, as a slow reader does, gets the whole: the figures, and everything that is kept.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gateway.core.views.model_summary import ModelSummary
from gateway.core.views.page_summary import PageSummary, Place, Pod, Turn, page_summary_of
from gateway.ops.recent import Ended, Failed
from gateway.ops.timeline import Point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gateway.core.pool import Pool
    from gateway.ops.recent import Recent
    from gateway.ops.ring import Ring
    from gateway.ops.timeline import Timeline

#: Seconds between two frames.
PERIOD = 0.25
#: Rows of the line in one frame, of all pools together.
PLACES = 200
#: Backends in one frame, of all pools together. Who has more sees them in turns.
PODS = 250
#: Ended requests of a pool in the news of one frame: more than that cannot be told apart.
BARS = 300

_ROWS = (PageSummary, Pod, Turn, Place, ModelSummary, Ended, Failed, Point)
#: What the rows mean, told once in each whole.
_COLUMNS = {row.__name__.lower(): row._fields for row in _ROWS}

#: How much of each ring was told, by pool and kind.
_Marks = dict[tuple[str, str], int]


class Frame:
    """One moment, encoded once for everybody."""

    def __init__(self, number: int, at: float, figures: str, news: str, everything: Callable[[], str]) -> None:
        self.number = number
        self.at = at
        self._figures = figures
        self._news = news
        self._everything = everything
        self._whole: bytes | None = None
        self._next = _event("news", f"{figures},{news}")

    def after(self, number: int | None) -> bytes:
        """An event for somebody who saw frame `number` last (None: none)."""
        if number == self.number - 1:
            return self._next
        if self._whole is None:
            self._whole = _event("whole", f"{self._figures},{self._everything()}")
        return self._whole


class LiveFeed:
    """`pools` as they are on the event loop; `scalers` as the snapshot shows them; `status`: whether the gateway takes
    requests, and why or why not; `stale`: why what is known of a pool's backends may not be true any more; `hears`:
    whether Knative's autoscaler hears of them (None: there is none); `admin`: whether orders are taken at all. `clock`
    is the drivers'."""

    def __init__(
        self,
        *,
        pools: Callable[[], Iterable[Pool]],
        scalers: Callable[[], Mapping[str, Mapping[str, object]]],
        status: Callable[[], tuple[bool, str]],
        stale: Callable[[], Mapping[str, Sequence[str]]],
        hears: Callable[[], bool | None],
        recent: Recent,
        timeline: Timeline,
        clock: Callable[[], float],
        admin: bool,
    ) -> None:
        self._pools = pools
        self._scalers = scalers
        self._status = status
        self._stale = stale
        self._hears = hears
        self._recent = recent
        self._timeline = timeline
        self._clock = clock
        self._admin = admin
        self._frame: Frame | None = None
        self._marks: _Marks = {}

    def frame(self) -> Frame:
        """The one of this moment. Made anew at most every `PERIOD`."""
        now, last = self._clock(), self._frame
        if last is None or now - last.at >= PERIOD:
            is_next = last is not None and now - last.at < 3 * PERIOD
            number = 0 if last is None else last.number + (1 if is_next else 2)
            self._frame = last = self._make(number, now, is_next=is_next)
        return last

    def due_in(self) -> float:
        """Seconds until there can be another one."""
        return 0.0 if self._frame is None else max(0.0, self._frame.at + PERIOD - self._clock())

    def _make(self, number: int, now: float, *, is_next: bool) -> Frame:
        """If it is not the next one of those that somebody may have seen, nobody asks for its news."""
        pools = list(self._pools())
        names = [pool.name for pool in pools]
        figures = {
            "number": number,
            "now": now,
            "status": self._status(),
            "pools": [self._glance(pool, now, number, len(pools)) for pool in pools],
            "scalers": self._scalers(),
            "stale": {name: why for name, why in self._stale().items() if why},
            "hears": self._hears(),
        }
        before, marks = self._marks, self._counts(names)
        self._marks = marks
        news = self._news(names, before if is_next else marks, marks, BARS)
        return Frame(number, now, _members(figures), _members(news), lambda: self._everything(names, marks))

    def _glance(self, pool: Pool, now: float, number: int, among: int) -> PageSummary:
        """Each pool gets its share; of its backends, if they are more than that, the next so many."""
        share = max(1, PODS // among)
        turns = max(1, -(-len(pool.backends) // share))
        start = number % turns * share
        return page_summary_of(pool, now, places=max(1, PLACES // among), pods=slice(start, start + share))

    def _counts(self, names: Iterable[str]) -> _Marks:
        counts = {("", "failed"): self._recent.failed.count}
        for name in names:
            counts[name, "ended"] = self._recent.ended(name).count
            counts[name, "points"] = self._timeline.of(name).count
        return counts

    def _news(self, names: Iterable[str], since: _Marks, until: _Marks, most: int | None) -> dict[str, object]:
        def told(ring: Ring[Any], key: tuple[str, str], most: int | None = None) -> list[Any]:
            return ring.between(since.get(key, 0), until[key], most)

        return {
            "ended": {name: told(self._recent.ended(name), (name, "ended"), most) for name in names},
            "points": {name: told(self._timeline.of(name), (name, "points")) for name in names},
            "failed": told(self._recent.failed, ("", "failed")),
        }

    def _everything(self, names: Iterable[str], marks: _Marks) -> str:
        """As of the frame that it belongs to: what has ended since then is news of the next one."""
        return _members({"columns": _COLUMNS, "admin": self._admin, **self._news(names, {}, marks, None)})


def _members(values: Mapping[str, Any]) -> str:
    """A JSON object without its braces."""
    return json.dumps(values, separators=(",", ":"), allow_nan=False)[1:-1]


def _event(name: str, members: str) -> bytes:
    return f"event: {name}\ndata: {{{members}}}\n\n".encode()
