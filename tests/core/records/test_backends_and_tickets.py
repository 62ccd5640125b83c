"""What can be said of a backend."""

from __future__ import annotations

import math

import pytest

from gateway.core.records.backends_and_tickets import Backend, Ticket
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import BackendState
from gateway.core.records.quarantine import Quarantine
from tests.core.playbook import Playbook


def backend(limit: int = 1, state: BackendState = BackendState.READY) -> Backend:
    return Backend("gpu-1", "gpu-1:7860", "gpu-1", limit, order=1, state=state)


def quarantine() -> Quarantine:
    return Quarantine(since=0.0, until=math.inf, why="broke")


def test_slots_are_free_or_in_flight_or_quarantined() -> None:
    gpu = backend(limit=3)
    gpu.in_flight[Ticket(Lane.COUNTED)] = None
    gpu.quarantines.append(quarantine())
    assert gpu.free_slots == 1


def test_without_a_limit_there_is_always_a_slot() -> None:
    gpu = backend(limit=0)
    for _ in range(5):
        gpu.in_flight[Ticket(Lane.COUNTED)] = None
    assert (gpu.free_slots, gpu.is_stuck) == (1, False)


def test_a_limit_that_was_lowered_leaves_less_than_nothing_free() -> None:
    gpu = backend(limit=1)
    for _ in range(2):
        gpu.in_flight[Ticket(Lane.COUNTED)] = None
    assert gpu.free_slots == -1


def test_it_is_stuck_when_every_slot_is_quarantined() -> None:
    gpu = backend(limit=2)
    gpu.quarantines.append(quarantine())
    assert not gpu.is_stuck
    gpu.quarantines.append(quarantine())
    assert gpu.is_stuck


@pytest.mark.parametrize(("lane", "is_busy"), [(Lane.EXEMPT, True), (Lane.PASSIVE, False)])
def test_uncounted_requests_keep_it_known_and_exempt_ones_keep_it_up(lane: Lane, is_busy: bool) -> None:
    gpu = backend()
    assert (gpu.is_busy, gpu.is_done) == (False, True)
    gpu.uncounted[Ticket(lane)] = None
    assert (gpu.is_busy, gpu.is_done) == (is_busy, False)


def test_a_tunnel_without_a_slot_does_not_keep_it_up() -> None:
    gpu = backend()
    gpu.uncounted[Ticket(Lane.EXEMPT, endless=True)] = None
    assert (gpu.is_busy, gpu.is_done) == (False, False)
    gpu.in_flight[Ticket(Lane.COUNTED, endless=True)] = None
    assert gpu.is_busy


def test_counted_work_and_quarantines_keep_it_up() -> None:
    at_work, unsure = backend(), backend()
    at_work.in_flight[Ticket(Lane.COUNTED)] = None
    unsure.quarantines.append(quarantine())
    assert [(gpu.is_busy, gpu.is_done) for gpu in (at_work, unsure)] == [(True, False)] * 2


@pytest.mark.parametrize(
    ("state", "is_eligible", "may_return"),
    [
        (BackendState.STARTING, False, True),
        (BackendState.READY, True, True),
        (BackendState.DRAINING, False, False),
        (BackendState.GONE, False, False),
    ],
)
def test_only_a_ready_one_is_eligible(state: BackendState, is_eligible: bool, may_return: bool) -> None:
    gpu = backend(state=state)
    assert (gpu.is_eligible(0.0), gpu.may_return) == (is_eligible, may_return)


def test_nor_is_one_that_is_not_listed_or_suspect() -> None:
    gpu = backend()
    gpu.suspect_until = 1.0
    assert (gpu.is_eligible(0.9), gpu.is_eligible(1.0)) == (False, True)
    gpu.listed = False
    assert not gpu.is_eligible(1.0)


def test_work_is_known_that_is_ours_or_that_the_backend_speaks_of() -> None:
    p = Playbook(can_ask=True)
    p.pods("gpu-1")
    gpu = p.pool.backends["gpu-1"]
    assert gpu.quarantines
    seen = [gpu.has_known_work]  # it was never asked
    p.ready("gpu-1")
    p.busy("gpu-1")
    seen.append(gpu.has_known_work)
    p.release("gpu-1")
    seen.append(gpu.has_known_work)
    assert seen == [False, True, False]
    p.arrive("a")
    p.granted("a")
    assert gpu.has_known_work
