"""The last minutes, second by second."""

from __future__ import annotations

import anyio
import pytest
from trio.testing import MockClock

from gateway.core.views.page_summary import Level
from gateway.ops.timeline import POINTS_KEPT, Timeline

LEVEL = Level(at=7.0, ready=1, starting=2, in_flight=3, waiting=4, quarantined=0)


def test_a_point_has_what_the_scaler_thought_if_there_is_one() -> None:
    scalers: dict[str, dict[str, object]] = {"sd": {"desired": 5, "stable": 4.5}, "new": {"desired": 1, "stable": None}}
    timeline = Timeline(lambda: [(name, LEVEL) for name in ("sd", "new", "static")], lambda: scalers)
    timeline.add_points()

    assert [timeline.of(name).between(0, 1)[0][1:] for name in ("sd", "new", "static")] == [
        (1, 2, 3, 4, 0, 5, 4.5),
        (1, 2, 3, 4, 0, 1, None),
        (1, 2, 3, 4, 0, None, None),
    ]


def test_of_some_looks_a_point_has_the_busiest() -> None:
    """All of it, as it was at that moment: who waited then and works now is not counted twice."""
    pools = [("sd", LEVEL)]
    timeline = Timeline(lambda: pools, dict)
    for at, in_flight, waiting in ((7.25, 0, 5), (7.5, 5, 0), (7.75, 5, 0)):
        pools[:] = [("sd", LEVEL._replace(at=at, in_flight=in_flight, waiting=waiting))]
        timeline.sample()
    pools[:] = [("sd", LEVEL._replace(at=8.0, in_flight=0, waiting=0))]
    timeline.add_points()
    pools[:] = [("sd", LEVEL._replace(at=8.75))]
    timeline.add_points()

    points = timeline.of("sd").between(0, 2)
    assert [(point.at, point.in_flight, point.waiting) for point in points] == [(7.5, 5, 0), (8.75, 3, 4)]


def test_it_is_bounded_and_forgets_the_pools_that_are_gone() -> None:
    pools = [("sd", LEVEL)]
    timeline = Timeline(lambda: pools, dict)
    for _ in range(POINTS_KEPT + 5):
        timeline.add_points()
    assert len(timeline.of("sd").between(0, timeline.of("sd").count)) == POINTS_KEPT

    pools.clear()
    timeline.add_points()
    assert timeline.of("sd").count == 0


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", [("trio", {"clock": MockClock(autojump_threshold=0)})])
async def test_one_a_second() -> None:
    timeline = Timeline(lambda: [("sd", LEVEL)], dict)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(timeline.run)
        await anyio.sleep(10.5)
        tasks.cancel_scope.cancel()

    assert timeline.of("sd").count == 11
