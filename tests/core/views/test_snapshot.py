"""A pool as others see it."""

from __future__ import annotations

import hashlib
import math

from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import BackendState
from gateway.core.views.snapshot import SHOWN, PoolView, short_hash, view_of
from tests.core.playbook import Playbook


def view(p: Playbook) -> PoolView:
    return view_of(p.pool, p.now)


def test_an_empty_pool() -> None:
    empty = view(Playbook())
    assert (empty.cold, empty.slots, empty.free, empty.demand, empty.backends) == (True, 0, 0, 0, ())
    assert (empty.line.oldest, empty.line.expected_wait, empty.next_start_in) == (None, None, None)


def test_who_works_and_who_waits_for_whom_and_for_how_long() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.at(5)
    p.arrive("b", session="s", home="gpu-1")
    p.arrive("c")
    p.granted("c", on="gpu-2")
    p.arrive("d")
    p.arrive("file", Lane.EXEMPT)
    p.granted("file", on="gpu-2")
    p.at(12)

    seen = view(p)
    gpu1, gpu2 = seen.backends
    assert (seen.slots, seen.free, seen.in_flight, seen.demand) == (2, 0, 2, 4)
    assert [(t.label, t.age, t.working, t.bound_to) for t in seen.line.tickets] == [
        ("b", 7, None, "gpu-1"),
        ("d", 7, None, None),
    ]
    assert (seen.line.waiting, seen.line.oldest) == (2, 7)
    assert [(t.label, t.lane, t.age, t.working) for t in gpu1.tickets] == [("a", "counted", 12, 12)]
    assert [(t.label, t.lane) for t in gpu2.tickets] == [("c", "counted"), ("file", "exempt")]
    assert (gpu1.waiting, gpu1.sessions, gpu1.idle, gpu1.in_flight, gpu1.exempt) == (1, 1, None, 1, 0)
    assert (gpu2.waiting, gpu2.sessions, gpu2.exempt) == (0, 0, 1)


def test_whether_models_matter() -> None:
    assert not view(Playbook("gpu-1")).looks_at_models
    assert view(Playbook("gpu-1", model_switch_cost=10)).looks_at_models


def test_a_backend_at_rest() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.at(4)
    p.leave("a")
    p.at(10)
    seen = view(p)
    assert (seen.backends[0].idle, seen.backends[0].served, seen.service_median) == (6, 1, 4)
    assert (seen.free, seen.line.expected_wait) == (1, 0)


def test_quarantined_slots_and_what_they_wait_for() -> None:
    p = Playbook("gpu-1", limit=2)
    for name, seconds in [("a", 30.0), ("b", math.inf)]:
        p.arrive(name)
        p.granted(name)
        p.leave(name, Ending.BACKEND_BROKE_IN_ANSWER, quarantine=seconds)
        p.at(5)
    p.idle("gpu-1")
    p.at(8)
    seen = view(p)
    assert (seen.quarantined, seen.free, seen.backends[0].quarantined) == (2, 0, 2)
    assert [(q.age, q.ends_in, q.idle_seen, q.why) for q in seen.backends[0].quarantines] == [
        (8, 22, True, "backend_broke_in_answer"),
        (3, None, True, "backend_broke_in_answer"),
    ]


def test_the_state_of_a_backend_in_one_word() -> None:
    p = Playbook("ready", "suspect", "vanished", "stopped")
    p.pods("ready", "suspect", "vanished", "stopped", "new")
    for pod in ("ready", "suspect", "vanished", "stopped"):
        p.arrive(pod)
        p.granted(pod, on=pod)
    p.state("stopped", BackendState.DRAINING)
    p.pods("ready", "suspect", "stopped", "new")
    p.give_back("suspect")
    p.at(0.25)
    states = {backend.name: backend.state for backend in view(p).backends}
    assert states == {
        "ready": "ready",
        "suspect": "suspect",
        "vanished": "draining",
        "stopped": "draining",
        "new": "starting",
    }
    assert [b.suspect_for for b in view(p).backends if b.name in ("ready", "suspect")] == [None, 0.75]


def test_no_limit_is_no_number_of_free_slots() -> None:
    p = Playbook("gpu-1", limit=0)
    p.arrive("a")
    p.granted("a")
    assert (view(p).free, view(p).in_flight) == (-1, 1)


def test_a_lowered_limit_is_not_less_than_nothing_free() -> None:
    p = Playbook("gpu-1", limit=2)
    for name in "ab":
        p.arrive(name)
        p.granted(name)
    p.refit(limit=1)
    assert (view(p).slots, view(p).free, view(p).in_flight) == (1, 0, 2)


def test_sessions_are_shown_by_hash_and_their_homes_by_name() -> None:
    p = Playbook("gpu-1")
    p.arrive("a", session="secret", home="gpu-1")
    p.granted("a")
    p.leave("a")
    p.at(3)
    p.arrive("b", session="other", home="gpu-1")
    p.granted("b")
    p.leave("b")
    p.pods()
    p.at(4)
    p.arrive("c", session="homeless", home="nobody")
    seen = view(p)
    assert [(s.id_hash, s.home, s.idle) for s in seen.sessions] == [
        (short_hash("homeless"), None, 0),
        (short_hash("other"), None, 1),
        (short_hash("secret"), None, 4),
    ]
    p.pods("gpu-1", ready=True)
    p.granted("c", on="gpu-1")
    assert {s.home for s in view(p).sessions} == {"gpu-1"}
    assert "secret" not in repr(view(p))
    assert short_hash("secret") == hashlib.sha256(b"secret").hexdigest()[:8]


def test_long_lists_are_cut_and_the_figures_beside_them_are_not() -> None:
    p = Playbook("gpu-1")
    for number in range(SHOWN + 50):
        p.pool.sessions.touch(f"s{number}", "gpu-1", now=number)
        p.arrive(f"r{number}")
        if number == 0:
            p.granted("r0")
    seen = view(p)
    assert (len(seen.line.tickets), seen.line.waiting) == (SHOWN, SHOWN + 49)
    assert (len(seen.sessions), seen.sessions_live) == (SHOWN, SHOWN + 50)


def test_starts_that_die() -> None:
    p = Playbook()
    p.start_failed("exit code 1", retry_in=8)
    p.at(3)
    assert (view(p).start_failures, view(p).next_start_in, view(p).counts.starts_failed) == (1, 5, 1)
    p.at(9)
    assert view(p).next_start_in == 0


def test_a_view_does_not_change_afterwards() -> None:
    p = Playbook("gpu-1")
    before = view(p)
    p.arrive("a")
    p.granted("a")
    p.give_back("a")
    assert (before.counts.give_backs, view(p).counts.give_backs) == (0, 1)
