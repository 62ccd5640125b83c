"""Transcripts: how long one waits in line, and who takes one out of it."""

from __future__ import annotations

import math

from gateway.core.records.decisions import Reason
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import BackendState
from tests.core.playbook import Playbook


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
    assert [p.rejected(name, Reason.WAITED_TOO_LONG).retry_after for name in "cd"] == [1, 1]


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
