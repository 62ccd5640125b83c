"""Transcripts: sessions and their homes, and the requests that take no slot."""

from __future__ import annotations

from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.decisions import Ending, Reason
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import BackendState
from tests.core.playbook import Playbook

EXEMPT, PASSIVE = Lane.EXEMPT, Lane.PASSIVE


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


def test_a_session_whose_home_is_busy_for_long_moves_to_a_free_backend() -> None:
    p = Playbook("gpu-1", "gpu-2", move_when_busy=5.0)
    p.arrive("a", session="a", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.arrive("b", session="b", home="gpu-1")
    p.at(4.9)
    p.waits("b")
    p.at(5)
    p.granted("b", on="gpu-2")
    assert (p.pool.counts.affinity_moves, p.tickets["b"].new_home) == (1, True)
    p.leave("a")
    p.leave("b")
    p.arrive("c", session="b", home="gpu-1")
    p.granted("c", on="gpu-2")


def test_a_session_is_not_torn_apart_by_its_own_work() -> None:
    p = Playbook("gpu-1", "gpu-2", move_when_busy=5.0)
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.arrive("b", session="s", home="gpu-1")
    p.at(60)
    p.waits("b")
    p.leave("a")
    p.granted("b", on="gpu-1")
    assert p.pool.counts.affinity_moves == 0


def test_a_session_moves_whole() -> None:
    p = Playbook("gpu-1", "gpu-2", move_when_busy=5.0)
    p.arrive("other", session="o", home="gpu-1")
    p.granted("other", on="gpu-1")
    for name in ("a", "b", "c"):
        p.arrive(name, session="s", home="gpu-1")
    p.at(2)
    p.arrive("d", session="s", home="gpu-1")
    p.arrive("e", session="s", home="gpu-1", spill=True)
    p.granted("e", on="gpu-2")  # a spill is no move
    p.leave("e")
    p.at(5)
    p.granted("a", on="gpu-2")
    p.leave("other")
    p.at(60)
    p.waits("b")
    p.waits("d")
    p.leave("c", Ending.CLIENT_LEFT_WAITING)
    p.leave("a")
    p.granted("b", on="gpu-2")
    p.leave("b")
    p.granted("d", on="gpu-2")
    assert p.pool.counts.affinity_moves == 1


def test_a_spilled_request_keeps_nobody_at_home() -> None:
    p = Playbook("gpu-1", "gpu-2", "gpu-3", move_when_busy=5.0)
    for pod in ("gpu-1", "gpu-2", "gpu-3"):
        p.arrive(pod, session=pod, home=pod)
        p.granted(pod, on=pod)
    p.arrive("a", session="s", home="gpu-1", spill=True)
    p.arrive("b", session="s", home="gpu-1")
    p.at(5)
    p.leave("gpu-2")
    p.granted("a", on="gpu-2")
    p.leave("gpu-3")
    p.granted("b", on="gpu-3")


def test_those_who_followed_may_go_elsewhere_when_their_own_work_there_is_over() -> None:
    p = Playbook("gpu-1", "gpu-2", move_when_busy=5.0)
    for pod in ("gpu-1", "gpu-2"):
        p.arrive(pod, session=pod, home=pod)
        p.granted(pod, on=pod)
    p.arrive("a", session="s", home="gpu-1")
    p.arrive("x", session="x", home="gpu-2")
    p.arrive("b", session="s", home="gpu-1")
    p.at(5)
    p.leave("gpu-2")
    p.granted("a", on="gpu-2")
    p.pods("gpu-1", "gpu-2", "gpu-3")
    p.leave("a")
    p.granted("x", on="gpu-2")
    p.ready("gpu-3")
    p.granted("b", on="gpu-3")


def test_what_reads_a_file_waits_where_that_is_and_the_session_comes_to_it() -> None:
    p = Playbook("gpu-1", "gpu-2", move_when_busy=5.0)
    p.arrive("other", session="o", home="gpu-1")
    p.granted("other", on="gpu-1")
    p.arrive("a", session="s", home="gpu-1")
    p.arrive("b", session="s", home="gpu-1", anchored=True)
    p.arrive("c", session="s", home="gpu-1", anchored=True, spill=True)
    p.at(60)
    p.granted("a", on="gpu-2")
    p.leave("a")
    p.waits("b")
    p.waits("c")
    p.leave("other")
    p.granted("b", on="gpu-1")
    assert (p.pool.counts.affinity_moves, p.tickets["b"].new_home) == (2, True)
    p.leave("b")
    p.granted("c", on="gpu-1")
    assert (p.pool.counts.affinity_moves, p.tickets["c"].new_home) == (2, False)
    p.leave("c")
    p.arrive("d", session="s", home="gpu-2")
    p.granted("d", on="gpu-1")


def test_a_session_that_has_come_to_a_file_leaves_nobody_where_it_was() -> None:
    p = Playbook("gpu-1", "gpu-2", "gpu-3", move_when_busy=0.0)
    for pod in ("gpu-1", "gpu-2", "gpu-3"):
        p.arrive(pod, session=pod, home=pod)
        p.granted(pod, on=pod)
    p.arrive("page", Lane.EXEMPT, session="s", home="gpu-2")
    p.granted("page", on="gpu-2")
    p.arrive("a", session="s", home="gpu-1", anchored=True)
    p.arrive("b", session="s", home="gpu-2")
    p.leave("gpu-1")
    p.granted("a", on="gpu-1")
    p.leave("gpu-3")
    p.waits("b")
    p.leave("a")
    p.granted("b", on="gpu-1")


def test_a_session_moves_whole_with_a_turn_that_is_repeated_elsewhere() -> None:
    p = Playbook("gpu-1", "gpu-2", "gpu-3")
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.arrive("b", session="s", home="gpu-1")
    p.retry("a", quarantine=60)
    p.granted("a", on="gpu-2")
    p.at(30)
    p.waits("b")
    p.leave("a")
    p.granted("b", on="gpu-2")


def test_a_session_that_waited_for_a_first_backend_has_one_home() -> None:
    p = Playbook(move_when_busy=5.0)
    p.pods("gpu-1", "gpu-2")
    for name in ("a", "b", "c", "d"):
        p.arrive(name, session="s", home="gone", spill=name == "c", anchored=name == "d")
    p.ready("gpu-1")
    p.granted("a", on="gpu-1")
    p.ready("gpu-2")
    p.granted("c", on="gpu-2")
    p.leave("c")
    p.at(60)
    p.leave("a")
    p.granted("b", on="gpu-1")
    p.waits("d")
    homes = [(ticket.home, ticket.new_home) for ticket in p.tickets.values()]
    assert homes == [("gpu-1", True)] * 4, "their clients do not know it"
    assert p.pool.counts.affinity_moves == 1


def test_what_reads_a_file_waits_where_that_is_once_that_is_back() -> None:
    p = Playbook()
    p.pods("gpu-1", "gpu-2")
    p.arrive("a", session="s", home="gpu-1")
    p.arrive("b", session="s", home="gpu-1", anchored=True)
    p.ready("gpu-1")
    p.granted("a", on="gpu-1")
    p.ready("gpu-2")
    p.at(60)
    p.waits("b")


def test_where_what_it_reads_is_gone_it_is_served_by_anybody() -> None:
    p = Playbook("gpu-1", "gpu-2", move_when_busy=5.0)
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.arrive("b", session="s", home="gpu-1", anchored=True)
    p.waits("b")
    p.pods("gpu-2")
    p.granted("b", on="gpu-2")


def test_a_session_stays_where_no_backend_is_free_before_its_home_is() -> None:
    p = Playbook("gpu-1", move_when_busy=5.0)
    p.arrive("a", session="a", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.arrive("b", session="b", home="gpu-1")
    p.at(7)
    p.leave("a")
    p.granted("b", on="gpu-1")
    assert p.pool.counts.affinity_moves == 0


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


def test_a_session_whose_cookie_names_nobody_has_moved_and_a_new_one_has_not() -> None:
    p = Playbook("gpu-1")
    for session, returning in [("old", True), ("new", False)]:
        ticket = Ticket(Lane.COUNTED, session, home=None, returning=returning)
        p.pool.arrive(ticket, 0.0)
        p.pool.leave(ticket, 0.0, Ending.SERVED)
        assert (ticket.new_home, p.pool.counts.affinity_moves) == (True, 1)


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


def test_a_smaller_table_forgets_all_that_are_too_many() -> None:
    p = Playbook("gpu-1")
    for session in "abcd":
        p.arrive(session, session=session, home="gpu-1")
        p.granted(session)
        p.leave(session)
    p.refit(session_capacity=2)
    p.arrive("e", session="e", home="gpu-1")
    p.granted("e")
    assert [s.id for s in p.pool.sessions.newest()] == ["e", "d"]


def test_work_that_takes_longer_than_the_ttl_does_not_end_its_session() -> None:
    p = Playbook("gpu-1", session_ttl=60.0)
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a")
    p.at(90)
    p.leave("a")
    assert p.pool.backends["gpu-1"].sessions == 1
    p.at(150)
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


def test_a_home_that_drains_does_not_rest() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("work", session="s", home="gpu-1")
    p.granted("work", on="gpu-1")
    p.state("gpu-1", BackendState.DRAINING)
    p.arrive("file", EXEMPT, session="s", home="gpu-1")
    p.granted("file", on="gpu-2")
    assert p.tickets["file"].new_home


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
