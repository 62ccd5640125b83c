"""The last two minutes of each pool, one point a second, for the page's curves. Runs with and without viewers:
it costs a few numbers a second.
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
#: Samples for each point. Between two jobs a pod is idle for a moment: a single sample would meet that now and
#: then, and the curve would show an idle second that there was not.
SAMPLES = 4
#: Points kept: the two minutes that the page shows, and a few to begin before its edge.
POINTS_KEPT = 130


class Point(NamedTuple):
    """One pool at one moment: the busiest sample of its second."""

    at: float  # seconds on the driver's clock
    ready: int  # backends
    starting: int
    in_flight: int
    waiting: int
    quarantined: int
    desired: int | None  # None: the pool is not scaled from here, or nothing was decided yet
    stable: float | None  # concurrency, averaged over the scaler's stable window


class Timeline:
    """`levels`: each pool's current level, by name. `scalers`: the last decision of each pool's scaler, if it
    has one."""

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
        """Take samples and add points until cancelled."""
        while True:
            self.add_points()
            for _ in range(SAMPLES - 1):
                await anyio.sleep(EVERY / SAMPLES)
                self.sample()
            await anyio.sleep(EVERY / SAMPLES)

    def sample(self) -> None:
        """Keep each pool's level if it is busier than the last sample; pools that are gone are forgotten."""
        before, self._busiest = self._busiest, {}
        for pool, level in self._levels():
            busiest = before.get(pool, level)
            self._busiest[pool] = level if _business(level) > _business(busiest) else busiest

    def add_points(self) -> None:
        """Take a sample, and add one point to each pool."""
        self.sample()
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
    """The number of requests, then the number of those at work."""
    return level.in_flight + level.waiting, level.in_flight


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) else None
