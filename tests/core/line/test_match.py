"""Transcripts: who is served, where, and in what order."""

from __future__ import annotations

import pytest

from gateway.core.policy import Balancing
from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from tests.core.playbook import Playbook


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


def test_by_round_robin_who_takes_no_slot_takes_turns_too() -> None:
    p = Playbook("gpu-1", "gpu-2", balancing=Balancing.ROUND_ROBIN)
    for name, on in zip("abc", ("gpu-1", "gpu-2", "gpu-1"), strict=True):
        p.arrive(name, Lane.EXEMPT)
        p.granted(name, on=on)
        p.leave(name)
