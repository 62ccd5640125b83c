"""Transcripts: who arrives, who is served, in what order."""

from __future__ import annotations

import pytest

from gateway.core.balancing import Balancing
from gateway.core.decisions import Ending, Reason, Refusal
from gateway.core.ticket import Lane, Ticket, TicketState
from tests.core.playbook import Playbook, listed

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


def test_of_slots_that_get_free_at_once_each_takes_its_oldest() -> None:
    p = Playbook("gpu-1", "gpu-2", balancing=Balancing.FIRST_AVAILABLE)
    for name in "xy":
        p.arrive(name)
        p.granted(name)
    p.arrive("bound", session="s", home="gpu-1")
    p.arrive("anybody")
    p.refit(limit=2, balancing=Balancing.FIRST_AVAILABLE)
    p.granted("bound", on="gpu-1")
    p.granted("anybody", on="gpu-2")


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
    p = Playbook("gpu-1", "gpu-2", balancing=Balancing(policy))
    for at, pod in enumerate(served_by):
        p.at(at)
        p.arrive(f"r{at}")
        p.granted(f"r{at}", on=pod)
        p.leave(f"r{at}")


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


def test_a_turn_that_comes_back_after_the_stop_waits_for_no_other() -> None:
    p = Playbook("gpu-1", "gpu-2")
    for name in "ab":
        p.arrive(name)
        p.granted(name)
    p.stop()
    p.give_back("a")
    p.rejected("a", Reason.STOPPING)
    p.retry("b", quarantine=30)
    p.rejected("b", Reason.STOPPING)
    assert (p.pool.in_flight, p.pool.quarantined) == (0, 1)


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


@pytest.mark.parametrize("own", [1, 3])
def test_new_rules_leave_a_backends_own_limit_alone(own: int) -> None:
    p = Playbook(limit=1)
    p.pods("special", limit=own, ready=True)
    p.refit(limit=2)
    assert p.pool.backends["special"].limit == own
    p.pool.replace_backends([listed("special", limit=4)], 0.0)
    assert p.pool.backends["special"].limit == 4
    p.pool.replace_backends([listed("special")], 0.0)
    assert p.pool.backends["special"].limit == 2


def test_a_stranger_changes_nothing() -> None:
    p = Playbook("gpu-1")
    assert p.pool.leave(Ticket(Lane.COUNTED), 0.0, Ending.CLIENT_LEFT_WAITING) == []
    assert p.pool.position(Ticket(Lane.COUNTED)) == 0
    assert Ticket(Lane.COUNTED).state is TicketState.NEW
