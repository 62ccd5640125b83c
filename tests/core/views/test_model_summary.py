"""Models for people who are looking."""

from __future__ import annotations

from gateway.core.records.lanes import ModelNeed
from gateway.core.views.model_summary import NAME_SHOWN, ModelSummary, model_summary_of
from gateway.core.views.page_summary import page_summary_of
from tests.core.playbook import Playbook

X = ModelNeed("x")


def aware(*pods: str) -> Playbook:
    return Playbook(*pods, model_switch_cost=10)


def seen(p: Playbook) -> ModelSummary | None:
    return model_summary_of(p.pool, p.pool.backends.values(), p.pool.first_waiting(9))


def test_where_models_do_not_matter_there_is_nothing() -> None:
    p = Playbook("one")
    p.arrive("a", need=X)
    p.granted("a")
    p.arrive("b", need=X)
    assert seen(p) is None


def test_what_is_loaded_and_who_waits_for_it_though_a_pod_is_free() -> None:
    p = aware("one", "two", "three")
    p.has("two", "y")
    p.has("three", "y")
    p.arrive("a", need=X)
    p.granted("a", on="one")
    p.arrive("b", need=X)
    assert seen(p) == ModelSummary(names=["x", "y"], pods=[0, 1, 1], line=[0], switches=0)


def test_nothing_is_known_before_a_pod_has_said_so() -> None:
    assert seen(aware("one")) == ModelSummary([], [None], [], 0)


def test_who_names_none_needs_the_pods_own() -> None:
    p = aware("one", "two")
    for name in ("one", "two"):
        p.has(name, "own")
    for name in ("x", "y"):
        p.arrive(name, need=ModelNeed(name))
        p.granted(name)
    p.arrive("a", need=ModelNeed(None))
    p.arrive("any")
    assert seen(p) == ModelSummary(["x", "y", "own"], [0, 1], [2, None], switches=2)


def test_a_long_name_is_cut_in_the_middle() -> None:
    p = aware("one")
    p.has("one", "begin" + "-" * NAME_SHOWN + "end")
    told = seen(p)
    assert told is not None
    (name,) = told.names
    assert (len(name), name[:6], name[-4:]) == (NAME_SHOWN, "begin-", "-end")


def test_of_the_pods_and_places_that_a_glance_shows() -> None:
    p = aware("one", "two", "three")
    p.has("two", "y")
    assert page_summary_of(p.pool, p.now, places=9, pods=slice(1, 2)).models == ModelSummary(["y"], [0], [], 0)
