"""A pool for people who are looking."""

from __future__ import annotations

import json

from gateway.core.records.decisions import Ending
from gateway.core.views.page_summary import TURNS_SHOWN, Level, PageSummary, level_of, page_summary_of
from gateway.core.views.snapshot import short_hash, view_of
from tests.core.playbook import Playbook

ALL = slice(0, 1000)


def look(p: Playbook, places: int = 200, pods: slice = ALL) -> PageSummary:
    return page_summary_of(p.pool, p.now, places=places, pods=pods)


def test_who_works_where_and_who_waits_for_whom() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.at(3)
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.at(5)
    p.arrive("b", session="s", home="gpu-1")
    p.arrive("c", session="cookie never came back")
    p.granted("c", on="gpu-2")
    p.arrive("d")
    seen = look(p)
    gpu1, gpu2 = seen.pods
    assert (seen.ready, seen.backends, seen.in_flight, seen.waiting, seen.demand, seen.oldest) == (2, 2, 2, 2, 4, 5)
    assert [(t.request, t.session, t.arrived, t.granted) for t in gpu1.turns] == [("a", short_hash("s"), 3, 3)]
    assert [(t.request, t.session) for t in gpu2.turns] == [("c", None)]
    assert [(w.request, w.home, w.session) for w in seen.line] == [("b", "gpu-1", short_hash("s")), ("d", None, None)]
    assert seen.sessions == [(short_hash("s"), "gpu-1", 5)]


def test_it_agrees_with_the_snapshot() -> None:
    p = Playbook("gpu-1", "gpu-2", limit=2)
    for name in "abcdefg":
        p.arrive(name)
        if name in "abcd":
            p.granted(name)
    seen, view = look(p), view_of(p.pool, p.now)
    assert (seen.waiting, seen.in_flight, seen.demand) == (view.line.waiting, view.in_flight, view.demand)
    assert [(pod.name, pod.state, pod.in_flight, pod.limit) for pod in seen.pods] == [
        (backend.name, backend.state, backend.in_flight, backend.limit) for backend in view.backends
    ]
    assert [w.number for w in seen.line] == [t.number for t in view.line.tickets]


def test_what_keeps_a_pod_from_serving() -> None:
    p = Playbook("broken", "refuses", "drained")
    for name in ("broken", "refuses"):
        p.arrive(name)
        p.granted(name, on=name)
    p.drain("drained")
    p.leave("broken", Ending.BACKEND_BROKE_IN_ANSWER, quarantine=30)
    p.give_back("refuses")
    broken, refuses, drained = look(p).pods
    assert (broken.quarantined, broken.since, broken.until, broken.why) == (1, 0, 30, "backend_broke_in_answer")
    assert (refuses.state, refuses.since, refuses.until, refuses.why) == ("suspect", None, 1, "")
    assert (drained.state, drained.held, drained.until) == ("draining", True, None)


def test_since_when_a_pod_is_ready() -> None:
    p = Playbook()
    p.pods("gpu-1")
    assert [pod.ready_at for pod in look(p).pods] == [None]
    p.at(5)
    p.ready("gpu-1")
    p.at(9)
    assert [pod.ready_at for pod in look(p).pods] == [5]


def test_starts_that_die() -> None:
    p = Playbook()
    p.start_failed("exit code 1", retry_in=8)
    seen = look(p)
    assert (seen.cold, seen.start_failures, seen.next_start, seen.evidence) == (True, 1, 8, "exit code 1")
    assert look(Playbook()).next_start is None


def test_as_much_as_is_asked_for_and_the_figures_beside_it_count_all() -> None:
    p = Playbook("gpu-1", "gpu-2", "gpu-3", limit=0)
    for number in range(TURNS_SHOWN * 3 + 3):
        p.arrive(f"r{number}")
        p.granted(f"r{number}")
    seen = look(p, pods=slice(1, 2))
    assert (seen.backends, [pod.name for pod in seen.pods]) == (3, ["gpu-2"])
    assert (seen.pods[0].in_flight, len(seen.pods[0].turns)) == (TURNS_SHOWN + 1, TURNS_SHOWN)


def test_a_line_is_cut() -> None:
    p = Playbook()
    for number in range(9):
        p.arrive(f"r{number}")
    assert ([w.request for w in look(p, places=2).line], look(p).waiting) == (["r0", "r1"], 9)


def test_json_has_it_as_it_is() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.leave("a", Ending.BACKEND_BROKE_IN_ANSWER, quarantine=float("inf"))
    assert json.loads(json.dumps(look(p), allow_nan=False))[0] == "pool"


def test_a_point_of_the_curves() -> None:
    p = Playbook("gpu-1")
    p.pods("gpu-1", "gpu-2")
    for name in "ab":
        p.arrive(name)
        if name == "a":
            p.granted("a")
    p.at(2)
    assert level_of(p.pool, p.now) == Level(at=2, ready=1, starting=1, in_flight=1, waiting=1, quarantined=0)


def test_why_a_backend_is_not_ready_is_shown_as_in_the_snapshot() -> None:
    p = Playbook()
    p.pods("gpu-1")
    p.unready("gpu-1", "GET /ready: 404")
    p.at(7)
    (pod,), (backend,) = look(p).pods, view_of(p.pool, p.now).backends
    assert (pod.unready_since, backend.unready_for) == (0, 7)
    assert pod.unready_because == backend.unready_because == "GET /ready: 404"


def test_a_pod_whose_answers_fail_is_shown_as_in_the_snapshot() -> None:
    p = Playbook("gpu-1", "gpu-2", health_errors=1)
    for name in "ab":
        p.arrive(name, session=name, home="gpu-1")
        p.granted(name, on="gpu-1")
        p.leave(name, status=500)
    p.judged("gpu-1")
    p.at(4)
    pod, backend = look(p).pods[0], view_of(p.pool, p.now).backends[0]
    assert (pod.state, pod.until, backend.ejected_for, backend.found_failing) == ("ejected", 10, 6, 1)
    assert pod.fails_because == backend.fails_because == "2 turns in a row failed, the last one: it answered 500"
