"""Transcripts: who arrives, who is served, and where."""

from __future__ import annotations

import pytest

from gateway.core.backend import BackendState
from gateway.core.decisions import Ending, Reason, Refusal
from gateway.core.health import suspect_seconds
from gateway.core.room import Room
from gateway.core.ticket import Lane, Ticket, TicketState
from tests.core.playbook import Playbook, listed

COUNTED, EXEMPT, PASSIVE = Lane.COUNTED, Lane.EXEMPT, Lane.PASSIVE


# One at a time, in order


def test_one_at_a_time() -> None:
    p = Playbook("gpu-1")
    p.arrive("he")
    p.granted("he", on="gpu-1")
    p.arrive("she")
    p.waits("she")
    p.leave("he")
    p.granted("she", on="gpu-1")
    p.leave("she")
    assert p.pool.demand == 0


def test_a_newcomer_never_overtakes() -> None:
    p = Playbook("gpu-1")
    for name in "abc":
        p.arrive(name)
        if name == "a":
            p.granted("a")
    p.leave("a")
    p.granted("b")
    p.arrive("d")
    p.waits("d")
    p.leave("b")
    p.granted("c")
    p.leave("c")
    p.granted("d")


def test_who_leaves_the_line_leaves_no_hole() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    for name in "bcd":
        p.arrive(name)
    p.leave("c", Ending.CLIENT_LEFT_WAITING)
    assert p.line() == ["b", "d"]
    p.leave("a")
    p.granted("b")
    p.leave("b")
    p.granted("d")


def test_leaving_twice_is_leaving_once() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.leave("a")
    p.leave("a", quarantine=9)
    p.give_back("a")
    p.retry("a", quarantine=9)
    assert (p.pool.in_flight, p.pool.quarantined, p.pool.counts.give_backs) == (0, 0, 0)


def test_more_than_one_slot_and_none_at_all() -> None:
    two = Playbook("gpu-1", limit=2)
    for name in "ab":
        two.arrive(name)
        two.granted(name)
    two.arrive("c")
    two.waits("c")

    unlimited = Playbook("gpu-1", limit=0)
    for name in "abcdefgh":
        unlimited.arrive(name)
        unlimited.granted(name)
    assert unlimited.pool.in_flight == 8


def test_a_backend_with_a_limit_of_its_own() -> None:
    p = Playbook()
    p.pods("big", limit=2, ready=True)
    for name in "ab":
        p.arrive(name)
        p.granted(name, on="big")


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


# Which backend


def test_unbound_requests_go_to_the_fewest_sessions_then_the_longest_idle() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("visitor", session="s", home="gpu-1")
    p.granted("visitor", on="gpu-1")
    p.at(1)
    p.leave("visitor")
    p.arrive("x")
    p.granted("x", on="gpu-2")
    p.at(2)
    p.leave("x")
    p.arrive("y")
    p.granted("y", on="gpu-2")


@pytest.mark.parametrize(
    ("policy", "served_by"), [("first_available", ["gpu-1"] * 3), ("round_robin", ["gpu-1", "gpu-2", "gpu-1"])]
)
def test_other_policies(policy: str, served_by: list[str]) -> None:
    from gateway.core.balancing import Balancing

    p = Playbook("gpu-1", "gpu-2", balancing=Balancing(policy))
    for at, pod in enumerate(served_by):
        p.at(at)
        p.arrive(f"r{at}")
        p.granted(f"r{at}", on=pod)
        p.leave(f"r{at}")


# Affinity


def test_a_session_waits_for_its_home_and_blocks_nobody() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.arrive("b", session="s", home="gpu-1")
    p.waits("b")
    p.arrive("c")
    p.granted("c", on="gpu-2")
    p.arrive("d")
    p.leave("a")
    p.granted("b", on="gpu-1")  # older than d
    p.leave("c")
    p.granted("d", on="gpu-2")
    assert p.pool.counts.affinity_hits == 2


def test_a_freed_slot_takes_the_older_head_of_the_two_lines() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.arrive("anybody")
    p.arrive("bound", session="s", home="gpu-1")
    p.leave("a")
    p.granted("anybody")
    p.leave("anybody")
    p.granted("bound")


def test_a_spilling_request_is_served_elsewhere_and_home_stays_home() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.arrive("b", session="s", home="gpu-1", spill=True)
    p.granted("b", on="gpu-2")
    assert p.pool.counts.affinity_spills == 1
    p.leave("a")
    p.leave("b")
    p.arrive("c", session="s", home="gpu-1")
    p.granted("c", on="gpu-1")
    assert (p.pool.counts.affinity_moves, p.tickets["b"].new_home) == (0, False)


def test_spilling_after_a_while() -> None:
    p = Playbook("gpu-1", "gpu-2", spill_after=5.0)
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.arrive("b", session="s", home="gpu-1", spill=True)
    p.waits("b")
    p.at(4.9)
    p.waits("b")
    p.at(5)
    p.granted("b", on="gpu-2")


def test_a_spilling_request_that_both_lines_hold_is_served_once() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.arrive("b", session="s", home="gpu-1", spill=True)
    p.leave("a")
    p.granted("b", on="gpu-1")
    p.leave("b")
    assert p.pool.demand == 0


def test_a_new_session_gets_a_home_and_is_none_until_it_comes_back() -> None:
    p = Playbook("gpu-1")
    p.arrive("first", session="s")
    p.granted("first")
    assert (p.tickets["first"].new_home, p.tickets["first"].home, len(p.pool.sessions)) == (True, "gpu-1", 0)
    p.leave("first")
    p.arrive("second", session="s", home="gpu-1")
    p.granted("second")
    assert (p.tickets["second"].new_home, p.pool.backends["gpu-1"].sessions) == (False, 1)


def test_the_table_knows_better_than_the_cookie() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.leave("a")
    p.arrive("b", session="s", home="gpu-2")  # an old cookie of the same session
    p.granted("b", on="gpu-1")


def test_a_session_moves_when_its_home_is_not_there() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.arrive("b", session="s", home="gpu-1")
    p.arrive("x")
    p.granted("x", on="gpu-2")
    p.state("gpu-1", BackendState.STARTING)  # its probe fails
    p.leave("x")
    p.granted("b", on="gpu-2")
    assert (p.tickets["b"].new_home, p.pool.counts.affinity_moves) == (True, 1)
    assert (p.pool.backends["gpu-1"].sessions, p.pool.backends["gpu-2"].sessions) == (0, 1)


def test_a_session_of_a_backend_that_nobody_knows_gets_another() -> None:
    p = Playbook("gpu-1")
    p.arrive("a", session="s", home="long-gone")
    p.granted("a", on="gpu-1")
    assert p.pool.counts.affinity_moves == 1


def test_sessions_end_and_the_least_recently_used_go_first() -> None:
    p = Playbook("gpu-1", session_ttl=100.0, session_capacity=2)
    for at, session in enumerate("abc"):
        p.at(at)
        p.arrive(f"r-{session}", session=session, home="gpu-1")
        p.granted(f"r-{session}")
        p.leave(f"r-{session}")
    assert [s.id for s in p.pool.sessions.newest()] == ["c", "b"]
    p.at(101.5)
    assert p.pool.backends["gpu-1"].sessions == 1
    p.at(102)
    assert p.pool.backends["gpu-1"].sessions == 0


def test_passive_requests_do_not_prolong_a_session() -> None:
    p = Playbook("gpu-1", session_ttl=100.0)
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a")
    p.leave("a")
    p.at(90)
    p.arrive("poll", PASSIVE, session="s", home="gpu-1")
    p.granted("poll")
    p.leave("poll")
    p.at(100)
    assert len(p.pool.sessions) == 0


# Uncounted lanes


def test_an_exempt_request_needs_no_slot_and_finds_its_home() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.arrive("file", EXEMPT, session="s", home="gpu-1")
    p.granted("file", on="gpu-1")
    assert p.pool.demand == 1
    p.leave("file")


def test_a_new_visitor_goes_to_the_fewest_sessions_busy_or_not() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.arrive("b")
    p.granted("b", on="gpu-2")
    p.arrive("page", EXEMPT, session="new")
    p.granted("page", on="gpu-2")
    assert p.tickets["page"].new_home


def test_exempt_requests_without_a_session_spread() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("one", EXEMPT)
    p.granted("one", on="gpu-1")
    p.arrive("two", EXEMPT)
    p.granted("two", on="gpu-2")


def test_a_resting_home_keeps_its_session_through_exempt_requests() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.state("gpu-1", BackendState.STARTING)
    p.arrive("file", EXEMPT, session="s", home="gpu-1")
    p.granted("file", on="gpu-2")
    assert not p.tickets["file"].new_home


def test_exempt_requests_wait_for_a_first_backend_and_wake_it() -> None:
    p = Playbook()
    p.arrive("page", EXEMPT)
    p.waits("page")
    assert (p.pool.demand, p.pool.waiting, p.pool.waiting_exempt) == (1, 0, 1)
    p.pods("gpu-1", ready=True)
    p.granted("page", on="gpu-1")
    assert p.pool.demand == 0


def test_a_passive_request_wakes_nothing() -> None:
    p = Playbook()
    p.arrive("poll", PASSIVE)
    p.rejected("poll", Reason.NO_BACKEND)
    assert p.pool.demand == 0


def test_a_passive_request_that_is_refused_goes_elsewhere_or_ends() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("poll", PASSIVE)
    p.granted("poll", on="gpu-1")
    p.give_back("poll")
    p.granted("poll", on="gpu-2")
    p.give_back("poll")
    p.rejected("poll", Reason.NO_BACKEND)


# Backends that refuse


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
    assert p.pool.backends["gpu-1"].refusals == 0


def test_a_session_does_not_wait_for_a_home_that_refuses() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.give_back("a")
    p.granted("a", on="gpu-2")
    assert p.tickets["a"].new_home


def test_a_broken_turn_is_repeated_elsewhere_and_its_slot_is_quarantined() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("get")
    p.granted("get", on="gpu-1")
    p.retry("get", quarantine=30)
    p.granted("get", on="gpu-2")
    assert p.pool.quarantined == 1


def test_an_exempt_turn_that_breaks_waits_if_nobody_is_left() -> None:
    p = Playbook("gpu-1", cold_timeout=50.0)
    p.arrive("file", EXEMPT)
    p.granted("file")
    p.give_back("file")
    p.waits("file")
    p.state("gpu-1", BackendState.GONE)
    p.at(50)
    p.rejected("file", Reason.NOTHING_CAME_UP)


# Quarantine


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
    p.pool.backend_busy("gpu-1")
    p.pool.backend_busy("nobody")
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


def test_a_backend_seen_for_the_first_time_may_still_be_at_work() -> None:
    p = Playbook(can_ask=True)
    p.pods("gpu-1", ready=True)
    p.arrive("a")
    p.waits("a")
    assert not p.pool.is_cold
    for at in (1, 2):
        p.at(at)
        p.idle("gpu-1")
    p.granted("a")


def test_a_process_of_ours_is_known_to_be_fresh() -> None:
    p = Playbook(can_ask=True)
    p.pods("gpu-1", ready=True, fresh=True)
    p.arrive("a")
    p.granted("a")


def test_overdue_quarantines_are_named() -> None:
    p = Playbook("gpu-1", "gpu-2")
    for name in "ab":
        p.arrive(name)
        p.granted(name)
    p.leave("a", quarantine=900)
    assert p.pool.overdue_quarantines(30, 29.9) == []
    assert p.pool.overdue_quarantines(30, 30) == ["gpu-1"]


# Backends that come and go


def test_a_vanished_backend_drains_and_is_the_same_when_it_comes_back() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    before = p.pool.backends["gpu-1"]
    p.pods()
    p.arrive("b")
    p.waits("b")
    p.pods("gpu-1")
    assert p.pool.backends["gpu-1"] is before
    p.leave("a")
    p.granted("b")
    p.pods()
    p.leave("b")
    assert p.pool.backends == {}


def test_a_vanished_backend_keeps_its_quarantine() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.pods()
    p.leave("a", Ending.BACKEND_SLOW_ANSWER, quarantine=30)
    p.pods("gpu-1")
    p.arrive("b")
    p.waits("b")
    p.at(30)
    p.granted("b")


def test_a_suspect_that_vanishes_is_forgotten() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.give_back("a")
    p.pods()
    assert p.pool.backends == {}
    p.at(1)
    p.waits("a")


def test_draining_and_gone_are_for_good() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.state("gpu-1", BackendState.DRAINING)
    p.state("gpu-1", BackendState.READY)
    p.arrive("b")
    p.waits("b")
    p.state("gpu-1", BackendState.GONE)
    p.state("gpu-1", BackendState.READY)
    p.state("nobody", BackendState.READY)
    p.idle("nobody")
    p.waits("b")


def test_the_pod_to_stop_has_no_work_the_fewest_sessions_and_the_longest_rest() -> None:
    p = Playbook("gpu-1", "gpu-2", "gpu-3", "gpu-4")
    p.arrive("busy")
    p.granted("busy", on="gpu-1")
    p.arrive("visitor", session="s", home="gpu-2")
    p.granted("visitor", on="gpu-2")
    p.leave("visitor")
    p.at(5)
    p.arrive("x")
    p.granted("x", on="gpu-3")
    p.leave("x")
    assert [p.pool.take_for_removal(p.now) for _ in range(4)] == ["gpu-4", "gpu-3", "gpu-2", None]
    p.arrive("y")
    p.waits("y")


def test_an_open_page_holds_no_pod_but_a_download_does() -> None:
    p = Playbook("gpu-1")
    p.arrive("download", EXEMPT)
    p.granted("download")
    assert p.pool.take_for_removal(0.0) is None
    p.leave("download")
    p.arrive("socket", PASSIVE)
    p.granted("socket")
    assert p.pool.take_for_removal(0.0) == "gpu-1"


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
    p.arrive("file", EXEMPT)
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
    turned_away = p.enter()
    assert isinstance(turned_away, Refusal)
    p.start_failed("exit code 1: no GPU", retry_in=8)
    assert p.pool.demand == 0

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


# Stopping and new rules


def test_stopping_refuses_the_line_and_the_door() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.arrive("b")
    p.stop()
    p.rejected("b", Reason.STOPPING)
    p.arrive("c")
    p.rejected("c", Reason.STOPPING)
    refusal = p.enter()
    assert isinstance(refusal, Refusal)
    p.leave("a")


def test_new_rules_drop_nobody() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.arrive("b")
    p.refit(limit=2)
    p.granted("b")
    p.refit(limit=1)
    p.arrive("c")
    p.leave("a")
    p.waits("c")
    p.leave("b")
    p.granted("c")


def test_new_rules_leave_a_backends_own_limit_alone() -> None:
    p = Playbook()
    p.pods("big", limit=3, ready=True)
    p.refit(limit=2)
    assert p.pool.backends["big"].limit == 3
    p.pool.replace_backends([listed("big", limit=4)], 0.0)
    assert p.pool.backends["big"].limit == 4


def test_a_stranger_changes_nothing() -> None:
    p = Playbook("gpu-1")
    assert p.pool.leave(Ticket(COUNTED), 0.0, Ending.CLIENT_LEFT_WAITING) == []
    assert p.pool.position(Ticket(COUNTED)) == 0
    assert Ticket(COUNTED).state is TicketState.NEW
