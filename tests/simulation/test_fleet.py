"""Pods that come and go as the autoscaler says."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from gateway.core.policy import Policy
from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.core.scaling.local import Autoscaling
from gateway.simulation.visit import Plan
from gateway.simulation.world import World

if TYPE_CHECKING:
    from gateway.simulation.visit import Visit


def world(*, start: float | None = 3.0, can_ask: bool = False, **scaling: Any) -> World:
    return World(Policy(can_ask=can_ask), Autoscaling(**scaling), random.Random(1), start_seconds=lambda: start)


def ask(world: World, work: float = 10.0, **plan: Any) -> Visit:
    return world.visit(Ticket(Lane.COUNTED), Plan(work, **plan))


def test_a_pod_is_ready_when_it_has_started() -> None:
    one = world(min_scale=1)
    one.loop.run(2.9)
    assert (len(one.fleet.pods), one.pool.ready_count) == (1, 0)
    one.loop.run(3.0)
    assert one.pool.ready_count == 1


def test_starts_that_die_are_repeated_less_and_less_often_and_only_on_demand() -> None:
    hopeless = world(start=None)
    visits = [ask(hopeless)]
    hopeless.loop.run(30.0)
    assert (visits[0].ending, hopeless.pool.starts.failures) == (Ending.REFUSED, 3)
    ask(hopeless)  # is refused at once, or begins to wait, and counts as demand for one attempt
    hopeless.loop.run(60.0)
    assert (hopeless.pool.starts.failures, hopeless.outcomes.total()) == (4, 2)


def test_a_busy_pod_is_never_stopped() -> None:
    busy = world(max_scale=2, window=6)
    ask(busy, work=100.0)
    ask(busy, leaves_after=1.0)
    busy.loop.run(50.0)
    assert (list(busy.fleet.pods), busy.fleet.wishes[-1][1]) == (["pod-1"], 1)


def test_a_starting_pod_that_somebody_waits_for_is_never_stopped() -> None:
    slow = world(start=50.0, window=6)
    for _ in range(5):
        ask(slow, leaves_after=5.0)
    visit = ask(slow)
    slow.loop.run(40.0)
    assert (slow.fleet.wishes[-1][1], len(slow.fleet.pods), slow.pool.waiting) == (1, 6, 1)
    slow.loop.run(60.0)
    assert visit.ending is Ending.SERVED


def test_a_starting_pod_that_nobody_waits_for_any_more_is_stopped() -> None:
    slow = world(start=50.0, window=6)
    ask(slow, leaves_after=5.0)
    slow.loop.run(40.0)
    assert (slow.fleet.pods, slow.pool.backends) == ({}, {})
    slow.loop.run(60.0)
    assert slow.pool.ready_count == 0, "and does not come up afterwards"


def test_a_pod_that_is_quarantined_for_too_long_is_replaced() -> None:
    one = world(max_scale=1)
    ask(one, work=500.0, leaves_after=10.0, hangs_up=True)
    one.loop.run(13.0)
    assert (one.slots_held, list(one.fleet.pods)) == (1, ["pod-1"])
    other = ask(one)
    one.loop.run(60.0)
    assert (other.ending, list(one.fleet.pods), one.slots_held) == (Ending.SERVED, ["pod-2"], 0)


def test_one_that_can_be_asked_is_free_again_when_it_says_so_twice() -> None:
    one = world(max_scale=1, can_ask=True)
    ask(one, work=12.5, leaves_after=10.0, hangs_up=True)  # at work until 15.5
    other = ask(one, work=1.0)
    one.loop.run(16.5)
    assert one.slots_held == 1, "one probe has passed"
    one.loop.run(17.0)
    assert (one.pool.quarantined, one.pool.in_flight) == (0, 1)
    one.loop.run(18.0)
    assert (other.ending, one.fleet.double_runs) == (Ending.SERVED, 0)


def test_one_that_stands_still_says_nothing() -> None:
    one = world(max_scale=1, can_ask=True)
    ask(one, work=2.0, leaves_after=4.0, hangs_up=True)  # at work from 3.0
    one.loop.run(4.0)
    one.fleet.pods["pod-1"].freeze(10.0)
    one.loop.run(14.0)
    assert one.slots_held == 1
    one.loop.run(18.0)
    assert one.slots_held == 0


def test_with_a_pod_that_dies_ends_its_work_and_another_comes() -> None:
    one = world(min_scale=1)
    one.loop.run(3.0)
    visit = ask(one)
    one.loop.run(5.0)
    one.fleet.kill("pod-1")
    assert (visit.ending, one.slots_held) == (Ending.BACKEND_BROKE_BEFORE_ANSWER, 0)
    one.loop.run(10.0)
    assert list(one.fleet.pods) == ["pod-2"]
