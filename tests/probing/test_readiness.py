"""From single probes to "ready" and "not ready", in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from gateway.probing.readiness import Cadence, ReadinessWatch
from tests.doubles.scripted_probe import ScriptedProbe
from tests.doubles.virtual_time import virtual_time

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.anyio
EVERY_SECOND = Cadence(period=1, first_period=1)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time()


async def reported(
    probe: ScriptedProbe,
    cadence: Cadence = EVERY_SECOND,
    *,
    busy: Callable[[], bool] = lambda: False,
    seconds: float = 20,
    port: ScriptedProbe | None = None,
) -> list[tuple[float, bool]]:
    """What a watch reports, and when."""
    reports: list[tuple[float, bool]] = []
    watch = ReadinessWatch(probe, cadence, busy, lambda ready: reports.append((anyio.current_time(), ready)), port)
    with anyio.move_on_after(seconds):
        await watch.run("10.0.0.1:7860")
    return [(round(when, 3), ready) for when, ready in reports]


async def test_the_first_pass_makes_it_ready_and_is_reported_once() -> None:
    assert await reported(ScriptedProbe("ffp")) == [(2, True)]


async def test_three_failures_in_a_row_make_it_not_ready_and_two_do_not() -> None:
    assert await reported(ScriptedProbe("pffpffrp")) == [(0, True), (6, False), (7, True)]


async def test_that_it_is_not_ready_is_said_once_even_if_it_never_was() -> None:
    assert await reported(ScriptedProbe("f")) == [(2, False)]


async def test_a_success_threshold_wants_passes_in_a_row() -> None:
    cadence = Cadence(first_period=1, success_threshold=2)
    assert await reported(ScriptedProbe("fpfpp"), cadence) == [(4, True)]


async def test_the_cadence_after_the_initial_delay_quick_until_it_first_passes() -> None:
    probe = ScriptedProbe("rrpfp")
    await reported(probe, Cadence(initial_delay=5, period=2, first_period=0.5), seconds=12)
    assert probe.asked_at == [5, 5.5, 6, 8, 10]


async def test_a_busy_backend_that_fails_is_only_busy() -> None:
    assert await reported(ScriptedProbe("pf"), busy=lambda: anyio.current_time() > 0.5) == [(0, True)]


async def test_a_busy_backend_that_refuses_is_not_ready() -> None:
    probe = ScriptedProbe("prfr")  # the failure in between changes nothing
    assert await reported(probe, busy=lambda: anyio.current_time() > 0.5) == [(0, True), (4, False)]


async def test_a_backend_that_became_busy_while_it_was_asked_is_only_busy() -> None:
    work: list[str] = []
    probe = ScriptedProbe("pf", meanwhile=lambda: work.append("a picture"))

    def busy() -> bool:
        return bool(work) and bool(work.pop())

    assert await reported(probe, busy=busy) == [(0, True)]


async def test_a_busy_backend_is_asked_only_what_is_light() -> None:
    heavy = ScriptedProbe("p", light=False)
    await reported(heavy, busy=lambda: 1.5 < anyio.current_time() < 5.5, seconds=7.5)
    assert heavy.asked_at == [0, 1, 6, 7]


async def test_nothing_but_a_connection_is_made_until_the_port_has_been_open_for_a_while() -> None:
    """There are servers that a request in the middle of their start ends."""
    port, probe = ScriptedProbe("rrp"), ScriptedProbe("fp")
    assert await reported(probe, Cadence(period=1, first_period=1, settle=3), port=port) == [(2, False), (6, True)]
    assert (port.asked_at, probe.asked_at[:2]) == ([0, 1, 2, 3, 4, 5], [5, 6])


async def test_a_port_that_closes_begins_anew() -> None:
    port, probe = ScriptedProbe("prrpppppppp"), ScriptedProbe("prp")
    cadence = Cadence(period=1, first_period=1, settle=2, failure_threshold=1)
    await reported(probe, cadence, port=port, seconds=12)
    assert probe.asked_at[:3] == [5, 6, 9]


async def test_failures_are_explained_from_the_threshold_on_and_a_pass_ends_that() -> None:
    told: list[tuple[float, str]] = []
    watch = ReadinessWatch(
        ScriptedProbe("frffpf"),
        EVERY_SECOND,
        lambda: False,
        lambda ready: None,
        explain=lambda evidence: told.append((round(anyio.current_time(), 3), evidence)),
    )
    with anyio.move_on_after(7.5):
        await watch.run("10.0.0.1:7860")
    assert told == [(2, "fail"), (3, "fail"), (4, ""), (7, "fail")]
