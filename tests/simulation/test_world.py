"""The core from zero, and through an hour of bad luck, in a few seconds."""

from __future__ import annotations

import random

import pytest

from gateway.core.policy import Policy
from gateway.core.scaling.local import Autoscaling
from gateway.core.scaling.report import Accounting, Report, RevisionReport
from gateway.simulation.world import World
from tests.core.invariants import Witness
from tests.simulation.clients import ClosedLoop, Rabble
from tests.simulation.hours import an_hour, figures

START = 3.0  # seconds a pod needs
WORK = 10.0  # and a request
IDLE = 600.0  # ten minutes of nothing before the first
TEN_MINUTES = 600.0
TENTH = 0.1 + 1e-9  # 100 ms, and what floats make of it


class FromZero:
    """A world without bad luck, so many clients from `start` on, and what its autoscaler has wished since."""

    def __init__(self, clients: int, start: float) -> None:
        self.world = World(Policy(), Autoscaling(), random.Random(1), start_seconds=lambda: START)
        self.start = start
        self.world.loop.run(start)
        self.world.fleet.wishes.clear()
        self.load = ClosedLoop(self.world, clients, WORK)

    def wishes(self, *, after: float) -> set[int]:
        self.world.loop.run(self.start + after)
        return {pods for _, pods in self.world.fleet.wishes}

    def pods_two_minutes_after_the_load(self) -> int:
        self.load.stop()
        self.world.loop.run(self.world.loop.now + 120)
        return len(self.world.fleet.pods)


@pytest.mark.parametrize("part", [0.0, 0.03, 0.5, 0.95, 1.97])
def test_five_at_once_from_zero_are_five_pods_within_100_ms_and_never_six(part: float) -> None:
    five = FromZero(clients=5, start=IDLE + part)
    assert five.wishes(after=TENTH) == {5}
    assert five.wishes(after=TEN_MINUTES) == {5}
    assert five.pods_two_minutes_after_the_load() == 0
    world = five.world
    assert (world.outcomes.total(), world.slots_held, world.fleet.double_runs) == (world.accepted, 0, 0)


@pytest.mark.parametrize("part", [0.0, 0.5, 1.97])
def test_one_at_a_time_is_one_pod_and_never_two(part: float) -> None:
    one = FromZero(clients=1, start=IDLE + part)
    assert one.wishes(after=TEN_MINUTES) == {1}
    assert one.pods_two_minutes_after_the_load() == 0


@pytest.mark.parametrize("clients", [1, 5])
def test_pods_that_are_asked_before_their_first_job_ask_for_no_others(clients: int) -> None:
    """Whoever lists them does not know what they have done, so each is quarantined when it is first seen: to no
    autoscaler is that a request. One request had brought eight pods."""
    world = World(Policy(can_ask=True), Autoscaling(max_scale=20), random.Random(1), start_seconds=lambda: 12.0)
    world.fleet.are_fresh = False
    report = world.pool.report = RevisionReport(Accounting.PROXIED)
    told: list[float] = []

    def tick() -> None:
        told.append((report.tick(world.loop.now) or Report(0.0, 0.0)).average)
        world.loop.after(1.0, tick)

    world.loop.run(IDLE)
    world.fleet.wishes.clear()
    load = ClosedLoop(world, clients, WORK)
    tick()
    world.loop.run(IDLE + TEN_MINUTES)
    assert ({pods for _, pods in world.fleet.wishes}, round(max(told), 6)) == ({clients}, clients)
    load.stop()


@pytest.mark.parametrize("start", [12.0, 60.0])
def test_five_of_whom_some_leave_in_the_middle_and_come_again_are_five_pods_and_never_six(start: float) -> None:
    """Under a short window, what is left of a few jobs would be a sixth pod that comes and goes."""
    dice = random.Random(1)
    world = World(Policy(), Autoscaling(window=15), dice, start_seconds=lambda: start)
    five = ClosedLoop(world, 5, WORK, leaves=lambda: dice.uniform(0, WORK) if dice.random() < 0.3 else None)
    world.loop.run(start + 3 * WORK)
    world.fleet.wishes.clear()
    world.loop.run(2 * TEN_MINUTES)
    assert {pods for _, pods in world.fleet.wishes} == {5}
    five.stop()
    world.loop.run(world.loop.now + 120)
    assert (world.pool.demand, world.slots_held, world.fleet.double_runs) == (0, 0, 0)


def test_nobody_waits_longer_than_a_start_and_no_pod_rests_between_two() -> None:
    five = FromZero(clients=5, start=IDLE)
    five.world.loop.run(IDLE + TENTH + START + 10 * WORK)
    assert five.world.outcomes.total() == 50


@pytest.mark.parametrize("can_ask", [True, False])
@pytest.mark.parametrize("seed", [1, 2])
def test_an_hour_of_bad_luck_breaks_no_promise(seed: int, can_ask: bool) -> None:
    """Refused and broken connections, clients who leave, pods and starts that die: the witness looks at every step."""
    world = an_hour(seed, can_ask=can_ask)
    assert figures(world) == (0, 0, 0, 0)  # and order inversions, or the witness had said so
    assert (world.outcomes.total(), world.pool.demand, len(world.fleet.pods)) == (world.accepted, 0, 0)
    counts = world.pool.counts
    assert min(counts.give_backs, counts.quarantines, counts.starts_failed, counts.cold_starts - 5) > 0
    assert min(counts.affinity_hits, counts.affinity_spills, counts.affinity_moves) > 0
    assert can_ask or counts.quarantines_expired > 0


@pytest.mark.parametrize("can_ask", [True, False])
def test_nor_does_an_hour_in_which_pods_stand_still(can_ask: bool) -> None:
    world = an_hour(3, can_ask=can_ask, freeze_every=45.0)
    assert figures(world) == (0, 0, 0, 0)
    assert (world.outcomes.total(), world.pool.demand) == (world.accepted, 0)


def test_the_same_dice_make_the_same_world() -> None:
    def outcomes() -> object:
        world = World(Policy(), Autoscaling(), dice := random.Random(7), start_seconds=lambda: dice.uniform(1, 9))
        Rabble(world, Witness(world.pool), every=1.0, crash_every=30.0)
        world.loop.run(TEN_MINUTES)
        return world.accepted, world.outcomes, world.fleet.wishes, world.pool.counts

    assert outcomes() == outcomes()
