"""Transcripts: what can be read from a pool."""

from __future__ import annotations

from gateway.core.records.decisions import Ending, Reason
from gateway.core.records.listed import BackendState
from gateway.core.scaling.report import Accounting, RevisionReport
from tests.core.playbook import Playbook


def test_positions_are_never_too_low_and_shrink() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    for name in "bcd":
        p.arrive(name)
    assert [p.tickets[n].place for n in "abcd"] == [None, 1, 2, 3]
    p.leave("b", Ending.CLIENT_LEFT_WAITING)
    assert [p.pool.position(p.tickets[n]) for n in "acd"] == [0, 1, 2]
    p.leave("c", Ending.CLIENT_LEFT_WAITING)
    p.leave("d", Ending.CLIENT_LEFT_WAITING)
    assert p.pool.position(p.tickets["d"]) == 0


def test_expected_wait_is_unknown_before_anything_was_measured() -> None:
    p = Playbook("gpu-1", line_limit=1)
    assert p.pool.cold_left(0) is None
    p.arrive("a")
    p.granted("a")
    p.arrive("b")
    p.arrive("c")
    assert p.rejected("c", Reason.LINE_FULL).retry_after == 10
    p.at(8)
    p.leave("a")
    p.granted("b")
    p.arrive("d")
    assert p.pool.expected_wait(8) == 16  # two turns of 8 s on one slot
    assert p.pool.expected_wait_of(p.tickets["d"], 8) == 8  # one turn
    assert p.pool.expected_wait_of(p.tickets["d"], 11) == 5  # what is left of it
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
    assert p.pool.expected_wait(30) == 20
    assert p.pool.cold_left(30) == 20
    assert p.pool.counts.cold_starts == 1
    p.arrive("b")
    assert [p.pool.cold_left(now) for now in (35, 60)] == [15, 0]


def test_overdue_quarantines_are_named() -> None:
    p = Playbook("gpu-1", "gpu-2")
    for name in "ab":
        p.arrive(name)
        p.granted(name)
    p.leave("a", quarantine=900)
    assert p.pool.overdue_quarantines(30, 29.9) == []
    assert p.pool.overdue_quarantines(30, 30) == ["gpu-1"]


def test_those_that_start_are_told_apart_from_those_that_rest() -> None:
    p = Playbook("gpu-1")
    p.pods("gpu-1", "gpu-2", "gpu-3")
    assert (p.pool.starting(), p.pool.ready_count) == (["gpu-2", "gpu-3"], 1)
    p.arrive("a")
    p.granted("a", on="gpu-1")
    p.state("gpu-1", BackendState.STARTING)  # its probe fails, and it works on
    p.ready("gpu-2")
    assert (p.pool.starting(), p.pool.ready_count) == (["gpu-3"], 1)


def test_whether_anybody_else_may_serve() -> None:
    p = Playbook("gpu-1", "gpu-2")
    one = p.pool.backends["gpu-1"]
    assert p.pool.has_another(one)
    p.state("gpu-2", BackendState.STARTING)
    assert p.pool.has_another(one)
    p.state("gpu-2", BackendState.DRAINING)
    assert not p.pool.has_another(one)


def test_a_report_for_a_remote_autoscaler_can_be_asked_for() -> None:
    p = Playbook("gpu-1")
    assert p.pool.report is None
    p.pool.report = report = RevisionReport(Accounting.WAITING)
    p.arrive("a")
    p.granted("a")
    assert (p.pool.report is report, p.pool.load.level) == (True, 1)


def test_one_that_drains_takes_no_requests() -> None:
    p = Playbook("gpu-1")
    backend = p.pool.backends["gpu-1"]
    assert p.pool.is_ready(backend)
    p.pool.drain("gpu-1", 0)
    assert not p.pool.is_ready(backend)
