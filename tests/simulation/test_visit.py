"""What may become of a request."""

from __future__ import annotations

import random
from typing import Any

import pytest

from gateway.core.policy import Policy
from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.core.scaling.local import Autoscaling
from gateway.simulation.visit import CONNECT, Plan
from gateway.simulation.world import World


def two_pods(**policy: Any) -> World:
    """Both ready after one second."""
    scaling = Autoscaling(min_scale=2, max_scale=2)
    world = World(Policy(**policy), scaling, random.Random(1), start_seconds=lambda: 1.0)
    world.loop.run(1.0)
    return world


def counted() -> Ticket:
    return Ticket(Lane.COUNTED)


def test_it_is_served() -> None:
    world = two_pods()
    visit = world.visit(counted(), Plan(work=10.0))
    world.loop.run(11.0)
    assert (visit.ending, visit.begun, world.slots_held) == (Ending.SERVED, 1, 0)


def test_who_leaves_while_waiting_is_never_begun() -> None:
    world = two_pods()
    for _ in range(2):
        world.visit(counted(), Plan(work=10.0))
    visit = world.visit(counted(), Plan(work=10.0, leaves_after=5.0))
    world.loop.run(6.0)
    assert (visit.ending, visit.begun, world.pool.waiting) == (Ending.CLIENT_LEFT_WAITING, 0, 0)


@pytest.mark.parametrize(("hangs_up", "quarantined", "ended_at"), [(False, 0, 11.0), (True, 1, 6.0)])
def test_who_leaves_while_it_works_keeps_the_slot_until_the_pod_is_done(
    hangs_up: bool, quarantined: int, ended_at: float
) -> None:
    world = two_pods()
    visit = world.visit(counted(), Plan(work=10.0, leaves_after=5.0, hangs_up=hangs_up, quarantine=30.0))
    world.loop.run(ended_at - 0.1)
    assert (visit.ending, world.slots_held) == (None, 1)
    world.loop.run(ended_at)
    assert (visit.ending, world.slots_held) == (Ending.CLIENT_LEFT_IN_ANSWER, quarantined)


def test_who_gets_no_answer_in_time_is_told_and_the_slot_is_kept() -> None:
    world = two_pods()
    visit = world.visit(counted(), Plan(work=10.0, answer_within=4.0, quarantine=30.0))
    quick = world.visit(counted(), Plan(work=3.0, answer_within=4.0))
    world.loop.run(6.0)
    assert (visit.ending, quick.ending) == (Ending.BACKEND_SLOW_ANSWER, Ending.SERVED)
    assert (world.slots_held, world.pool.quarantined) == (1, 1)


def test_where_every_connection_is_refused_its_time_runs_out() -> None:
    world = two_pods(queue_timeout=20.0, cold_timeout=20.0)
    visit = world.visit(counted(), Plan(work=10.0, refusal=1.0))
    world.loop.run(60.0)
    assert (visit.ending, visit.begun, world.pool.counts.give_backs > 4) == (Ending.WAITED, 0, True)


@pytest.mark.parametrize(("repeatable", "begun"), [(False, 1), (True, 2)])
def test_a_broken_turn_is_repeated_once_where_it_may_be(repeatable: bool, begun: int) -> None:
    world = two_pods()
    visit = world.visit(counted(), Plan(work=10.0, break_off=1.0, repeatable=repeatable))
    world.loop.run(30.0)
    assert (visit.ending, visit.begun) == (Ending.BACKEND_BROKE_BEFORE_ANSWER, begun)
    assert (world.sent_twice, world.slots_held) == (0, begun)


@pytest.mark.parametrize(
    ("hangs_up", "ending"), [(False, Ending.CLIENT_LEFT_BEFORE_ANSWER), (True, Ending.CLIENT_LEFT_IN_ANSWER)]
)
def test_who_has_left_is_not_tried_elsewhere(hangs_up: bool, ending: Ending) -> None:
    world = two_pods()
    visit = world.visit(counted(), Plan(work=10.0, refusal=1.0, leaves_after=CONNECT / 2, hangs_up=hangs_up))
    world.loop.run(5.0)
    assert (visit.ending, visit.ticket.turns, world.pool.counts.give_backs) == (ending, 1, 0)


def test_a_line_that_is_full_refuses() -> None:
    world = two_pods(line_limit=0)
    visits = [world.visit(counted(), Plan(work=10.0)) for _ in range(3)]
    assert [visit.ending for visit in visits] == [None, None, Ending.REFUSED]


def test_a_quarantine_that_is_too_short_is_seen_as_a_double_run() -> None:
    world = two_pods()
    for _ in range(4):
        world.visit(counted(), Plan(work=10.0, leaves_after=1.0, hangs_up=True, quarantine=2.0))
    world.visit(counted(), Plan(work=10.0))
    world.loop.run(30.0)
    assert world.fleet.double_runs > 0
