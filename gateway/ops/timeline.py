"""The last minutes of each pool, second by second, so that whoever opens the page sees where it came from. Runs whether
or not anybody looks: a few numbers a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import anyio

from gateway.ops.ring import Ring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gateway.core.views.page_summary import Level

#: Seconds between two points.
EVERY = 1.0
#: Looks for each point. Between a job and the next one a pod has none for a moment: a single look would meet that now
#: and then, and the curve would show a second of idleness that nobody had.
LOOKS = 4
#: Points kept: the two minutes that the page shows, and a few to begin before its edge.
POINTS_KEPT = 130


class Point(NamedTuple):
    """One pool at one moment: of those that were looked at in its second, the busiest."""

    at: float  # seconds on the driver's clock
    ready: int  # backends
    starting: int
    in_flight: int
    waiting: int
    quarantined: int
    desired: int | None  # None: nothing scales it, or nothing was decided yet
    stable: float | None  # what the scaler saw: concurrency, averaged over its stable window


class Timeline:
    """`levels`: each pool by its name. `scalers`: what the scaler of each that has one decided last."""

    def __init__(
        self,
        levels: Callable[[], Iterable[tuple[str, Level]]],
        scalers: Callable[[], Mapping[str, Mapping[str, object]]],
    ) -> None:
        self._levels = levels
        self._scalers = scalers
        self._rings: dict[str, Ring[Point]] = {}
        self._busiest: dict[str, Level] = {}  # since the last point

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self.take()
            for _ in range(LOOKS - 1):
                await anyio.sleep(EVERY / LOOKS)
                self.look()
            await anyio.sleep(EVERY / LOOKS)

    def look(self) -> None:
        """Remember each pool as it is, if it is busier than before; those that exist no longer are forgotten."""
        before, self._busiest = self._busiest, {}
        for pool, level in self._levels():
            busiest = before.get(pool, level)
            self._busiest[pool] = level if _business(level) > _business(busiest) else busiest

    def take(self) -> None:
        """Look, and make one point of each pool."""
        self.look()
        busiest, self._busiest = self._busiest, {}
        scalers, before, self._rings = self._scalers(), self._rings, {}
        for pool, level in busiest.items():
            scaler = scalers.get(pool, {})
            ring = self._rings[pool] = before.get(pool) or Ring(POINTS_KEPT)
            ring.put(Point(*level, _whole(scaler.get("desired")), _number(scaler.get("stable"))))

    def of(self, pool: str) -> Ring[Point]:
        """The points of one pool; none before its first second."""
        return self._rings.get(pool) or Ring(0)


def _business(level: Level) -> tuple[int, int]:
    """How many requests there are, and of as many, how many are at work."""
    return level.in_flight + level.waiting, level.in_flight


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) else None
