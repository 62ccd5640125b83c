"""Transcripts: turns that end in a refusal, in a break, or nobody knows when."""

from __future__ import annotations

import pytest

from gateway.core.backends.health import suspect_seconds
from gateway.core.records.backends_and_tickets import STILL_BUSY
from gateway.core.records.decisions import Ending, Reason
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import BackendState
from tests.core.playbook import Playbook

EXEMPT = Lane.EXEMPT


def test_one_who_is_refused_keeps_his_number() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("a")
    p.granted("a", on="gpu-1")
    p.arrive("b")
    p.granted("b", on="gpu-2")
    p.arrive("c")
    p.give_back("a")
    assert p.line() == ["a", "c"]
    p.leave("b")
    p.granted("a", on="gpu-2")
    assert (p.tickets["a"].turns, p.pool.counts.give_backs) == (2, 1)


def test_a_single_backend_that_refuses_is_asked_less_and_less_often() -> None:
    p = Playbook("gpu-1", cold_timeout=1000.0)
    p.arrive("a")
    now = 0.0
    for refusals in range(1, 8):
        p.granted("a")
        p.give_back("a")
        now += suspect_seconds(refusals)
        p.at(now - 0.01)
        p.waits("a")
        p.at(now)
    p.granted("a")
    assert now == 1 + 2 + 4 + 8 + 16 + 30 + 30
    p.leave("a")
    assert (p.pool.backends["gpu-1"].refusals, p.pool.counts.cold_starts) == (0, 0)


def test_turns_that_are_refused_together_are_one_refusal() -> None:
    p = Playbook("gpu-1", limit=3)
    for name in "abc":
        p.arrive(name)
        p.granted(name)
    for name in "abc":
        p.give_back(name)
    p.at(1)
    for name in "abc":
        p.granted(name)


def test_a_session_does_not_wait_for_a_home_that_refuses() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.give_back("a")
    p.granted("a", on="gpu-2")
    assert p.tickets["a"].new_home


def test_who_waits_for_a_home_that_refuses_a_page_is_served_elsewhere_at_once() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("work", session="s", home="gpu-1")
    p.granted("work", on="gpu-1")
    p.arrive("bound", session="t", home="gpu-1")
    p.waits("bound")
    p.arrive("page", EXEMPT, session="s", home="gpu-1")
    p.granted("page", on="gpu-1")
    p.give_back("page")
    p.granted("page", on="gpu-2")
    p.granted("bound", on="gpu-2")


def test_a_broken_turn_is_repeated_elsewhere_and_its_slot_is_quarantined() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("get")
    p.granted("get", on="gpu-1")
    p.retry("get", quarantine=30)
    p.granted("get", on="gpu-2")
    assert p.pool.quarantined == 1


def test_a_session_does_not_go_back_to_where_its_turn_broke() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("get", session="s", home="gpu-1")
    p.granted("get", on="gpu-1")
    p.retry("get", quarantine=30)
    p.granted("get", on="gpu-2")
    assert p.tickets["get"].new_home


def test_a_broken_turn_is_repeated_elsewhere_even_if_its_backend_has_another_slot() -> None:
    p = Playbook("gpu-1", "gpu-2", limit=2)
    for name, pod in [("x", "gpu-1"), ("y", "gpu-2"), ("get", "gpu-1")]:
        p.arrive(name)
        p.granted(name, on=pod)
    p.leave("x")
    p.retry("get", quarantine=30)
    p.granted("get", on="gpu-2")


def test_a_broken_turn_is_repeated_where_it_broke_if_there_is_nobody_else() -> None:
    p = Playbook("gpu-1", limit=2)
    p.arrive("get")
    p.granted("get", on="gpu-1")
    p.retry("get", quarantine=30)
    p.granted("get", on="gpu-1")
    assert (p.pool.in_flight, p.pool.quarantined) == (1, 1)


def test_an_exempt_turn_that_broke_at_home_is_repeated_elsewhere_and_home_stays_home() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("file", EXEMPT, session="s", home="gpu-1")
    p.granted("file", on="gpu-1")
    p.retry("file", quarantine=30)
    p.granted("file", on="gpu-2")
    assert not p.tickets["file"].new_home


def test_an_exempt_turn_that_breaks_waits_if_nobody_is_left() -> None:
    p = Playbook("gpu-1", cold_timeout=50.0)
    p.arrive("file", EXEMPT)
    p.granted("file")
    p.give_back("file")
    p.waits("file")
    p.state("gpu-1", BackendState.GONE)
    p.at(50)
    p.rejected("file", Reason.NOTHING_CAME_UP)


def test_a_quarantined_slot_is_free_after_two_idle_probes_a_second_apart() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.at(10)
    p.leave("a", Ending.BACKEND_BROKE_BEFORE_ANSWER, quarantine=900)
    p.arrive("b")
    p.idle("gpu-1", sent_at=9.9)  # sent before the break: says nothing
    p.at(11)
    p.idle("gpu-1")
    p.at(11.5)
    p.idle("gpu-1")
    p.waits("b")
    p.at(12)
    p.idle("gpu-1")
    p.granted("b", on="gpu-1")


def test_a_busy_answer_starts_the_two_probes_anew() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.leave("a", Ending.CLIENT_LEFT_IN_ANSWER, quarantine=900)
    p.at(1)
    p.idle("gpu-1")
    p.busy("gpu-1")
    p.busy("nobody")
    p.at(3)
    p.idle("gpu-1")
    assert p.pool.quarantined == 1
    p.at(4)
    p.idle("gpu-1")
    assert p.pool.quarantined == 0


def test_a_quarantine_runs_out_and_is_counted() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.leave("a", Ending.BACKEND_SLOW_ANSWER, quarantine=30)
    p.arrive("b")
    assert p.pool.demand == 2
    p.at(29.9)
    p.waits("b")
    p.at(30)
    p.granted("b")
    assert p.pool.counts.quarantines_expired == 1


def test_a_quarantine_does_not_run_out_while_the_backend_says_that_it_works() -> None:
    p = Playbook("gpu-1", can_ask=True, unknown_for=0)
    p.arrive("a")
    p.granted("a")
    p.leave("a", Ending.BACKEND_SLOW_ANSWER, quarantine=1)
    p.arrive("b")
    for second in range(1, 20):
        p.at(second)
        p.busy("gpu-1")
        p.waits("b")
    p.at(20)
    p.idle("gpu-1")
    p.at(21)
    p.idle("gpu-1")
    p.granted("b")
    assert p.pool.counts.quarantines_expired == 0


def test_it_runs_out_when_the_backend_has_not_answered_for_a_while() -> None:
    p = Playbook("gpu-1", can_ask=True, unknown_for=0)
    p.arrive("a")
    p.granted("a")
    p.leave("a", Ending.BACKEND_SLOW_ANSWER, quarantine=1)
    p.arrive("b")
    p.at(STILL_BUSY - 1)
    p.busy("gpu-1")
    p.at(STILL_BUSY + STILL_BUSY - 0.1)
    p.waits("b")
    p.at(STILL_BUSY + STILL_BUSY)
    p.granted("b")
    assert p.pool.counts.quarantines_expired == 1


def test_a_process_that_says_that_it_works_is_not_overdue() -> None:
    p = Playbook("gpu-1", can_ask=True, unknown_for=0)
    p.arrive("a")
    p.granted("a")
    p.leave("a", Ending.BACKEND_SLOW_ANSWER, quarantine=900)
    p.at(30)
    p.busy("gpu-1")
    assert p.pool.overdue_quarantines(30, p.now) == []
    p.at(30 + STILL_BUSY)
    assert p.pool.overdue_quarantines(30, p.now) == ["gpu-1"]


def test_one_that_cannot_be_asked_starts_free_and_keeps_what_is_known() -> None:
    p = Playbook(can_ask=True, unknown_for=900)
    p.pods("gpu-1")
    p.ready("gpu-1")
    p.cannot_be_asked("nobody")
    assert p.pool.quarantined == 1
    p.cannot_be_asked("gpu-1")
    assert p.pool.quarantined == 0
    p.arrive("a")
    p.granted("a")
    p.leave("a", Ending.BACKEND_SLOW_ANSWER, quarantine=30)
    p.cannot_be_asked("gpu-1")
    assert p.pool.quarantined == 1
    p.at(30)
    assert (p.pool.quarantined, p.pool.counts.quarantines_expired) == (0, 1)


def known(*, can_ask: bool) -> Playbook:
    """A backend that we saw start, so it has nothing to do."""
    p = Playbook(can_ask=can_ask)
    p.pods("gpu-1", fresh=True)
    p.ready("gpu-1")
    return p


def test_behind_a_turn_whose_work_may_go_on_a_slot_is_kept_until_the_backend_says_idle_twice() -> None:
    p = known(can_ask=True)
    p.arrive("a", may_go_on=True)
    p.granted("a")
    p.at(5)
    p.leave("a")
    p.arrive("b")
    p.idle("gpu-1", sent_at=4)
    p.idle("gpu-1")
    p.at(6)
    p.waits("b")
    p.idle("gpu-1")
    p.granted("b")
    p.leave("b")
    assert (p.pool.quarantined, p.pool.counts.quarantines, p.unsure) == (0, 0, ["gpu-1"])


def test_work_that_went_on_keeps_its_backend_and_is_demand_as_soon_as_the_backend_speaks_of_it() -> None:
    p = known(can_ask=True)
    p.arrive("a", may_go_on=True)
    p.granted("a")
    p.leave("a")
    assert (p.pool.demand, p.pool.take_for_removal(p.now)[0]) == (0, None)
    for second in range(40):
        p.at(second)
        p.busy("gpu-1")
    assert (p.pool.demand, p.pool.take_for_removal(p.now)[0]) == (1, None)
    for second in (40, 41):
        p.at(second)
        p.idle("gpu-1")
    assert (p.pool.demand, p.pool.take_for_removal(p.now)[0]) == (0, "gpu-1")


def test_work_that_went_on_is_known_though_its_backend_was_told_to_end_before_it_spoke_of_it() -> None:
    p = known(can_ask=True)
    p.arrive("a", may_go_on=True)
    p.granted("a")
    p.leave("a")
    p.state("gpu-1", BackendState.DRAINING)
    assert not p.pool.backends["gpu-1"].has_known_work
    p.busy("gpu-1")
    assert p.pool.backends["gpu-1"].has_known_work


@pytest.mark.parametrize("can_ask", [True, False])
def test_a_backend_that_cannot_be_asked_is_free_with_its_answer(can_ask: bool) -> None:
    p = known(can_ask=can_ask)
    p.cannot_be_asked("gpu-1")
    p.arrive("a", may_go_on=True)
    p.granted("a")
    p.leave("a")
    assert p.pool.quarantined == 0


def test_one_that_turns_out_not_to_be_asked_is_free_then() -> None:
    p = known(can_ask=True)
    p.arrive("a", may_go_on=True)
    p.granted("a")
    p.leave("a")
    p.arrive("b")
    p.cannot_be_asked("gpu-1")
    p.granted("b")


def test_an_operator_frees_a_quarantined_slot_and_so_does_the_backends_end() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.leave("a", quarantine=900)
    p.release("nobody")
    p.release("gpu-1")
    assert p.pool.quarantined == 0
    p.arrive("b")
    p.granted("b")
    p.leave("b", quarantine=900)
    p.state("gpu-1", BackendState.GONE)
    assert (p.pool.quarantined, p.pool.backends) == (0, {})


def test_no_quarantine_where_the_backend_is_gone_or_has_no_slots() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.state("gpu-1", BackendState.GONE)
    p.leave("a", Ending.BACKEND_BROKE_IN_ANSWER, quarantine=900)
    assert (p.pool.quarantined, p.pool.backends) == (0, {})

    unlimited = Playbook("gpu-1", limit=0)
    unlimited.arrive("a")
    unlimited.granted("a")
    unlimited.leave("a", quarantine=900)
    assert unlimited.pool.quarantined == 0


def test_who_waits_for_a_quarantined_home_waits_ten_seconds_and_moves() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("x")
    p.granted("x", on="gpu-1")
    p.leave("x", quarantine=900)
    p.arrive("a", session="s", home="gpu-1")
    p.waits("a")
    p.at(9.9)
    p.waits("a")
    p.at(10)
    p.granted("a", on="gpu-2")
    assert p.tickets["a"].new_home
    p.arrive("b", session="t", home="gpu-1")
    p.waits("b")
    assert p.pool.backends["gpu-1"].line.first() is None


@pytest.mark.parametrize("broke_at", [0.0, 46 / 7, 53 / 7])  # the last two plus ten seconds are rounded
def test_who_comes_when_the_ten_seconds_are_over_does_not_begin_to_wait(broke_at: float) -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.at(broke_at)
    p.arrive("x")
    p.granted("x", on="gpu-1")
    p.leave("x", quarantine=900)
    p.at(broke_at + 10)
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a", on="gpu-2")
