"""The frames of the page, several a second. One frame serves all viewers; it is made when the first of them
asks for it, and none is made without viewers.

A frame has figures (the pools now) and news (what has ended or was measured since the last frame). A viewer that has
missed a frame gets a whole one: the figures, and all the history that is kept.
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
    from gateway.ops.recent import RecentRequests
    from gateway.ops.ring import Ring
    from gateway.ops.timeline import Timeline

#: Seconds between two frames.
PERIOD = 0.25
#: Rows of the line in one frame, all pools together.
PLACES = 200
#: Backends in one frame, all pools together. Of more backends, frames show others in turn.
PODS = 250
#: Ended requests of a pool in the news of one frame: more could not be told apart on the page.
BARS = 300

_ROWS = (PageSummary, Pod, Turn, Place, ModelSummary, Ended, Failed, Point)
#: The columns of the rows, sent in each whole frame.
_COLUMNS = {row.__name__.lower(): row._fields for row in _ROWS}

#: How much of each ring was sent, by pool and kind.
_Marks = dict[tuple[str, str], int]


class Frame:
    """One frame, encoded once for all viewers."""

    def __init__(self, number: int, at: float, figures: str, news: str, everything: Callable[[], str]) -> None:
        self.number = number
        self.at = at
        self._figures = figures
        self._news = news
        self._everything = everything
        self._whole: bytes | None = None
        self._next = _event("news", f"{figures},{news}")

    def after(self, number: int | None) -> bytes:
        """The event for a viewer that saw frame `number` last (None: no frame)."""
        if number == self.number - 1:
            return self._next
        if self._whole is None:
            self._whole = _event("whole", f"{self._figures},{self._everything()}")
        return self._whole


class LiveFeed:
    """Makes the frames. `scalers`: as the snapshot shows them. `status`: whether the gateway takes requests, and the
    reason. `stale`: by pool, the reasons why its list of backends may be out of date. `hears`: whether the link to
    Knative's autoscaler is up (None: there is none). `admin`: orders are on. `clock`: that of the drivers."""

    def __init__(
        self,
        *,
        pools: Callable[[], Iterable[Pool]],
        scalers: Callable[[], Mapping[str, Mapping[str, object]]],
        status: Callable[[], tuple[bool, str]],
        stale: Callable[[], Mapping[str, Sequence[str]]],
        hears: Callable[[], bool | None],
        recent: RecentRequests,
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
        """The current frame. A new one is made at most every `PERIOD`."""
        now, last = self._clock(), self._frame
        if last is None or now - last.at >= PERIOD:
            is_next = last is not None and now - last.at < 3 * PERIOD
            number = 0 if last is None else last.number + (1 if is_next else 2)
            self._frame = last = self._make(number, now, is_next=is_next)
        return last

    def due_in(self) -> float:
        """Seconds until there can be another frame."""
        return 0.0 if self._frame is None else max(0.0, self._frame.at + PERIOD - self._clock())

    def _make(self, number: int, now: float, *, is_next: bool) -> Frame:
        """`is_next`: a viewer may have seen the frame before, and needs the news since."""
        pools = list(self._pools())
        names = [pool.name for pool in pools]
        figures = {
            "number": number,
            "now": now,
            "status": self._status(),
            "pools": [self._summary(pool, now, number, len(pools)) for pool in pools],
            "scalers": self._scalers(),
            "stale": {name: why for name, why in self._stale().items() if why},
            "hears": self._hears(),
        }
        before, marks = self._marks, self._counts(names)
        self._marks = marks
        news = self._news(names, before if is_next else marks, marks, BARS)
        return Frame(number, now, _members(figures), _members(news), lambda: self._everything(names, marks))

    def _summary(self, pool: Pool, now: float, number: int, among: int) -> PageSummary:
        """One pool's part of a frame: its share of the rows, and of its backends the ones whose turn it is."""
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
        def items(ring: Ring[Any], key: tuple[str, str], most: int | None = None) -> list[Any]:
            return ring.between(since.get(key, 0), until[key], most)

        return {
            "ended": {name: items(self._recent.ended(name), (name, "ended"), most) for name in names},
            "points": {name: items(self._timeline.of(name), (name, "points")) for name in names},
            "failed": items(self._recent.failed, ("", "failed")),
        }

    def _everything(self, names: Iterable[str], marks: _Marks) -> str:
        """All history up to `marks`: what has ended since is news of the next frame."""
        return _members({"columns": _COLUMNS, "admin": self._admin, **self._news(names, {}, marks, None)})


def _members(values: Mapping[str, Any]) -> str:
    """A JSON object without its braces."""
    return json.dumps(values, separators=(",", ":"), allow_nan=False)[1:-1]


def _event(name: str, members: str) -> bytes:
    return f"event: {name}\ndata: {{{members}}}\n\n".encode()
