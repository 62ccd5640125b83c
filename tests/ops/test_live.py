"""One frame for all who watch."""

from __future__ import annotations

from typing import Any

from gateway.core.views.page_summary import PageSummary
from gateway.ops.live import BARS, PERIOD, PLACES, PODS
from tests.core.playbook import Playbook
from tests.doubles.records import served, unrouted
from tests.doubles.watched_pools import WatchedPools, told


def named(columns: list[str], row: list[Any]) -> dict[str, Any]:
    return dict(zip(columns, row, strict=True))


def test_the_first_frame_tells_everything_and_what_the_rows_mean() -> None:
    book = Playbook("gpu-1")
    book.arrive("a")
    book.granted("a", on="gpu-1")
    book.arrive("b")
    watched = WatchedPools(book)
    watched.recent.observe(served(pool="pool"))
    watched.recent.observe(unrouted())
    watched.timeline.add_points()
    event, whole = told(watched.feed.frame(), None)
    pool = named(whole["columns"]["pagesummary"], whole["pools"][0])
    pod = named(whole["columns"]["pod"], pool["pods"][0])

    assert (event, whole["admin"], whole["status"]) == ("whole", True, [True, "serving"])
    assert (pool["name"], pool["waiting"], pool["in_flight"]) == ("pool", 1, 1)
    assert (pod["name"], named(whole["columns"]["turn"], pod["turns"][0])["request"]) == ("gpu-1", "a")
    assert named(whole["columns"]["place"], pool["line"][0])["request"] == "b"
    assert named(whole["columns"]["ended"], whole["ended"]["pool"][0])["request"] == "5f0c8ad2"
    assert named(whole["columns"]["failed"], whole["failed"][0])["status"] == 404
    assert named(whole["columns"]["point"], whole["points"]["pool"][0])["ready"] == 1


def test_all_who_watch_get_one_frame_and_it_is_made_four_times_a_second() -> None:
    watched = WatchedPools(Playbook())
    first = watched.feed.frame()
    assert [watched.feed.frame() for _ in range(9)] == [first] * 9
    assert watched.feed.due_in() == PERIOD

    watched.later(PERIOD)
    assert watched.feed.due_in() == 0
    assert watched.feed.frame().number == first.number + 1
    assert watched.made == 2


def test_who_saw_the_frame_before_is_told_what_is_new_and_who_did_not_everything() -> None:
    watched = WatchedPools(Playbook())
    watched.recent.observe(served(pool="pool", request_id="old"))
    seen = watched.feed.frame().number
    watched.recent.observe(served(pool="pool", request_id="new"))
    watched.later(PERIOD)
    frame = watched.feed.frame()
    (event, news), (other, whole) = told(frame, seen), told(frame, seen - 1)

    assert (event, other) == ("news", "whole")
    assert [row[0] for row in news["ended"]["pool"]] == ["new"]
    assert [row[0] for row in whole["ended"]["pool"]] == ["old", "new"]
    assert "columns" not in news


def test_what_ends_after_a_frame_is_told_once() -> None:
    """The whole is put together when somebody wants it: later than the frame that it belongs to."""
    watched = WatchedPools(Playbook())
    frame = watched.feed.frame()
    watched.recent.observe(served(pool="pool"))
    assert told(frame, None)[1]["ended"] == {"pool": []}

    watched.later(PERIOD)
    assert len(told(watched.feed.frame(), frame.number)[1]["ended"]["pool"]) == 1


def test_when_nobody_has_looked_for_a_while_everybody_gets_the_whole() -> None:
    watched = WatchedPools(Playbook())
    seen = watched.feed.frame().number
    watched.later(10)

    assert told(watched.feed.frame(), seen)[0] == "whole"


def test_a_frame_is_bounded() -> None:
    book = Playbook(limit=0)
    for number in range(PLACES + 50):
        book.arrive(f"r{number}")
    watched = WatchedPools(book)
    seen = watched.feed.frame().number
    for _ in range(BARS + 50):
        watched.recent.observe(served(pool="pool"))
    watched.later(PERIOD)
    _, news = told(watched.feed.frame(), seen)

    assert len(news["ended"]["pool"]) == BARS
    pool = named(list(PageSummary._fields), news["pools"][0])
    assert (len(pool["line"]), pool["waiting"]) == (PLACES, PLACES + 50)


def test_more_backends_than_fit_come_in_turns() -> None:
    names = [f"pod-{number}" for number in range(PODS * 2 + 1)]
    watched = WatchedPools(Playbook(*names))
    seen = list[str]()
    for _ in range(3):
        _, whole = told(watched.feed.frame(), None)
        pool = named(whole["columns"]["pagesummary"], whole["pools"][0])
        assert (pool["backends"], len(pool["pods"]) <= PODS) == (len(names), True)
        seen += [pod[1] for pod in pool["pods"]]
        watched.later(PERIOD)

    assert seen == names


def test_models_are_told_where_they_matter() -> None:
    aware, plain = Playbook("gpu-1", "gpu-2", model_switch_cost=10), Playbook("gpu-1")
    aware.has("gpu-2", "x")
    _, whole = told(WatchedPools(aware, plain).feed.frame(), None)
    one, other = (named(whole["columns"]["pagesummary"], row) for row in whole["pools"])
    models = named(whole["columns"]["modelsummary"], one["models"])
    assert models == {"names": ["x"], "pods": [None, 0], "line": [], "switches": 0}
    assert other["models"] is None


def test_it_says_whose_backends_are_not_known_for_sure_and_whether_the_autoscaler_hears() -> None:
    watched = WatchedPools(Playbook())
    watched.stale = {"pool": ["cannot list endpointslices"], "other": []}
    _, quiet = told(watched.feed.frame(), None)
    watched.hears = False
    watched.later(PERIOD)
    _, frame = told(watched.feed.frame(), None)
    assert (quiet["stale"], quiet["hears"]) == ({"pool": ["cannot list endpointslices"]}, None)
    assert frame["hears"] is False
