"""Transcripts: how long one waits, how many may, and when waiting is pointless."""

from __future__ import annotations

import math

from gateway.core.backend import BackendState
from gateway.core.decisions import Ending, Reason, Refusal
from gateway.core.room import Room
from gateway.core.ticket import Lane
from tests.core.playbook import Playbook

# Patience


def test_an_empty_pool_holds_everybody_to_the_cold_deadline() -> None:
    p = Playbook(cold_timeout=600.0, queue_timeout=300.0)
    p.arrive("a")
    p.at(599.9)
    p.waits("a")
    p.at(600)
    p.rejected("a", Reason.NOTHING_CAME_UP)


def test_the_warm_clock_runs_only_while_somebody_is_ready() -> None:
    p = Playbook(cold_timeout=600.0, queue_timeout=300.0)
    p.arrive("a")
    p.arrive("b")
    p.at(500)
    p.pods("gpu-1", ready=True)
    p.granted("a")
    assert p.warmed == [500]
    p.at(799.9)
    p.waits("b")
    p.at(800)
    p.rejected("b", Reason.WAITED_TOO_LONG)


def test_the_clients_own_limit() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.arrive("b", patience=7.0)
    p.at(7)
    p.rejected("b", Reason.CLIENT_LIMIT)


def test_one_who_came_back_into_the_line_keeps_his_deadline() -> None:
    p = Playbook("gpu-1", "gpu-2", queue_timeout=300.0)
    p.arrive("x")
    p.granted("x", on="gpu-1")
    p.arrive("y")
    p.granted("y", on="gpu-2")
    p.arrive("a")
    p.at(100)
    p.leave("x")
    p.granted("a", on="gpu-1")
    p.give_back("a")
    p.at(101)  # gpu-1 is asked again
    p.granted("a", on="gpu-1")
    p.give_back("a")
    p.state("gpu-1", BackendState.GONE)
    p.at(300)
    p.rejected("a", Reason.WAITED_TOO_LONG)


def test_all_deadlines_count_from_arrival_even_of_one_who_did_not_wait_at_first() -> None:
    p = Playbook("gpu-1", queue_timeout=100.0)
    for name, patience in [("a", 50.0), ("b", math.inf)]:
        p.arrive(name, patience=patience)
        if name == "a":
            p.granted("a")
    p.at(30)
    p.retry("a", quarantine=900)
    p.at(50)
    p.rejected("a", Reason.CLIENT_LIMIT)
    p.at(100)
    p.rejected("b", Reason.WAITED_TOO_LONG)


def test_one_whose_time_ran_out_at_work_gets_another_turn_only_if_it_is_there() -> None:
    p = Playbook("gpu-1", "gpu-2", queue_timeout=100.0)
    for name in "ab":
        p.arrive(name)
        p.granted(name)
    p.at(200)
    p.leave("b")
    p.retry("a", quarantine=900)
    p.granted("a", on="gpu-2")
    p.retry("a", quarantine=900)
    p.at(200)
    p.rejected("a", Reason.WAITED_TOO_LONG)


def test_those_who_give_up_together_are_told_the_wait_of_the_line_that_is_left() -> None:
    p = Playbook("gpu-1", queue_timeout=100.0)
    p.arrive("a")
    p.granted("a")
    p.at(8)
    p.leave("a")
    p.arrive("b")
    p.granted("b")
    for name in "cd":
        p.arrive(name)
    p.at(108)
    assert [p.rejected(name, Reason.WAITED_TOO_LONG).retry_after for name in "cd"] == [8, 8]


def test_expected_wait_is_unknown_before_anything_was_measured() -> None:
    p = Playbook("gpu-1", line_limit=1)
    p.arrive("a")
    p.granted("a")
    p.arrive("b")
    p.arrive("c")
    assert p.rejected("c", Reason.LINE_FULL).retry_after == 10
    p.at(8)
    p.leave("a")
    p.granted("b")
    p.arrive("d")
    assert p.pool.expected_wait() == 16  # two turns of 8 s on one slot
    p.arrive("e")
    assert p.rejected("e", Reason.LINE_FULL).retry_after == 16


def test_expected_wait_of_a_cold_pool_has_the_cold_start_in_it() -> None:
    p = Playbook()
    p.arrive("a")
    p.at(20)
    p.pods("gpu-1", ready=True)
    p.granted("a")
    p.at(30)
    p.leave("a")
    p.pods()
    assert p.pool.expected_wait() == 30
    assert p.pool.counts.cold_starts == 1


def test_demand_that_goes_away_is_no_cold_start_measured() -> None:
    p = Playbook()
    p.arrive("a")
    p.leave("a", Ending.CLIENT_LEFT_WAITING)
    p.at(5)
    p.pods("gpu-1", ready=True)
    assert p.warmed == []


# Room


def test_a_place_is_reserved_before_the_body_and_given_back_once() -> None:
    p = Playbook("gpu-1", line_limit=1)
    p.arrive("a")
    p.granted("a")
    room = p.enter()
    assert isinstance(room, Room)
    refusal = p.enter()
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.LINE_FULL
    p.arrive("b", room=room)
    p.waits("b")
    assert p.pool.budget.uploading == 0
    room.close()
    room.close()
    assert p.pool.budget.uploading == 0


def test_one_who_does_not_have_to_wait_needs_no_place_in_line() -> None:
    p = Playbook("gpu-1", line_limit=0)
    p.arrive("a")
    p.granted("a")
    p.arrive("b")
    p.rejected("b", Reason.LINE_FULL)
    p.arrive("file", Lane.EXEMPT)
    p.granted("file")

    unlimited = Playbook("gpu-1", line_limit=0, limit=0)
    unlimited.arrive("a")
    unlimited.granted("a")
    unlimited.arrive("b")
    unlimited.granted("b")


def test_bytes_are_bounded_and_returned() -> None:
    p = Playbook("gpu-1", bytes_limit=100)
    room, other = p.enter(), p.pool.spare_room()
    assert isinstance(room, Room)
    assert room.take(60)
    assert not other.take(41)
    assert other.take(40)
    room.give(10)
    assert other.take(10)
    room.close()
    other.close()
    assert (p.pool.budget.bytes_held, p.pool.bytes_refusal().reason) == (0, Reason.BYTES_FULL)


# Starts that die


def test_after_three_dead_starts_waiting_is_pointless() -> None:
    p = Playbook()
    p.arrive("a")
    p.start_failed("exit code 1: no GPU", retry_in=1)
    p.start_failed("exit code 1: no GPU", retry_in=2)
    p.waits("a")
    p.start_failed("exit code 1: no GPU", retry_in=4)
    refusal = p.rejected("a", Reason.STARTS_FAIL)
    assert (refusal.retry_after, refusal.detail) == (4, "exit code 1: no GPU")
    assert p.pool.demand == 0

    p.arrive("b")
    p.rejected("b", Reason.STARTS_FAIL)
    assert p.pool.demand == 1  # remembered for one attempt
    p.start_failed("exit code 1: no GPU", retry_in=8)
    assert p.pool.demand == 0
    turned_away = p.enter()  # at the door, too, and the scaler hears of it
    assert isinstance(turned_away, Refusal)
    assert (p.pool.demand, p.pool.load.level) == (1, 1)

    p.at(8)  # the next attempt is due: worth waiting for
    p.arrive("c")
    p.waits("c")
    p.pool.start_succeeded(p.now)
    assert p.pool.starts.failures == 0


def test_dead_starts_do_not_matter_while_somebody_is_ready() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    for _ in range(3):
        p.start_failed("exit code 1", retry_in=60)
    p.arrive("b")
    p.waits("b")
    p.arrive("file", Lane.EXEMPT)
    p.granted("file")
    p.give_back("file")  # gpu-1 is suspect, and will be asked again in a second
    for name in ("b", "file"):
        p.waits(name)
    p.state("gpu-1", BackendState.GONE)
    for name in ("b", "file"):
        assert p.rejected(name, Reason.STARTS_FAIL).retry_after == 60
    p.retry("a", quarantine=0)
    p.rejected("a", Reason.STARTS_FAIL)
    assert p.pool.demand == 0


def test_an_operator_takes_one_out_of_the_line() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.arrive("b")
    p.arrive("c")
    p.expel("b")
    p.rejected("b", Reason.EXPELLED)
    assert p.line() == ["c"]
    p.leave("a")
    p.granted("c")


def test_an_operator_takes_out_whoever_waits_for_a_first_backend_and_nobody_at_work() -> None:
    p = Playbook()
    p.arrive("page", Lane.EXEMPT)
    p.expel("page")
    p.rejected("page", Reason.EXPELLED)
    p.pods("gpu-1", ready=True)
    p.arrive("a")
    p.granted("a")
    p.expel("a")
    p.nothing()
    assert p.pool.in_flight == 1
