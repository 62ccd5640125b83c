"""Transcripts: pods that have models, and requests that need some."""

from __future__ import annotations

import pytest

from gateway.core.policy import Balancing
from gateway.core.records.lanes import Lane, ModelNeed
from gateway.core.records.listed import BackendState
from gateway.core.views.snapshot import view_of
from tests.core.playbook import Playbook

X, Y, Z, OWN = ModelNeed("x"), ModelNeed("y"), ModelNeed("z"), ModelNeed(None)
COST = 20.0


def pods(**loaded: str | None) -> Playbook:
    """Free pods that have said what they have loaded, in order of rank."""
    p = Playbook(*loaded, model_switch_cost=COST, balancing=Balancing.FIRST_AVAILABLE)
    for name, model in loaded.items():
        if model is not None:
            p.has(name, model)
    return p


def at_work(**loaded: str) -> Playbook:
    """Each has a request of its own model's in hand, called as the model is."""
    p = pods(**loaded)
    for name, model in loaded.items():
        p.arrive(model, need=ModelNeed(model))
        p.granted(model, on=name)
    return p


# Among free backends


def test_among_free_pods_one_that_has_the_model_wins() -> None:
    p = pods(one="x", two="y")
    p.arrive("a", need=Y)
    p.granted("a", on="two")
    assert (p.tickets["a"].had_model, p.pool.counts.model_switches) == (True, 0)
    assert p.receipt("a") == "counted; two has the model"


def test_else_one_of_which_nothing_is_known_and_else_the_one_whose_model_was_not_asked_for_the_longest() -> None:
    p = pods(one="x", two="y", three=None)
    p.at(1)
    p.arrive("x", need=X)
    p.granted("x", on="one")
    p.leave("x")
    p.arrive("a", need=Z)
    p.granted("a", on="three")
    p.arrive("b", need=ModelNeed("w"))
    p.granted("b", on="two")
    assert p.pool.counts.model_switches == 1
    assert p.receipt("b") == "counted; two loads the model"
    assert {b.name: b.model for b in view_of(p.pool, p.now).backends} == {"one": "x", "two": "w", "three": "z"}


def test_a_sessions_home_goes_before_its_model() -> None:
    p = pods(one="x", two="y")
    p.arrive("a", session="s", home="one", spill=True, need=Y)
    p.granted("a", on="one")


def test_who_needs_nothing_in_particular_goes_to_the_first_in_rank() -> None:
    p = pods(one="x", two="y")
    p.arrive("a")
    p.granted("a", on="one")
    assert (p.tickets["a"].had_model, p.receipt("a")) == (None, "counted")


def test_where_its_turn_broke_is_tried_last_even_if_it_has_the_model() -> None:
    p = pods(one="x", two="y")
    p.arrive("a", need=X)
    p.granted("a", on="one")
    p.refit(limit=2, model_switch_cost=COST)
    p.retry("a", quarantine=5.0)
    p.granted("a", on="two")


def test_an_uncounted_one_that_broke_takes_nothing_from_anybody() -> None:
    p = pods(one="x", two="y")
    for name, pod in (("page", "one"), ("other", "two")):
        p.arrive(name, Lane.EXEMPT)
        p.granted(name, on=pod)
    p.retry("page", quarantine=5.0)
    p.granted("page", on="two")
    p.arrive("a", need=X)
    p.granted("a", on="one")


# Waiting for one that is busy


def test_a_request_waits_for_the_pod_that_has_its_model_though_another_is_free() -> None:
    p = at_work(one="x", two="y")
    p.leave("y")
    p.arrive("a", need=X)
    p.waits("a")
    assert p.receipt("a") == "counted; came as number 1 in line; one busy, two has another model"
    p.at(5)
    p.leave("x")
    p.granted("a", on="one")
    assert p.receipt("a").endswith("; one became free; one has the model")
    assert p.pool.counts.model_switches == 0


def test_but_for_no_longer_than_a_switch_costs() -> None:
    p = at_work(one="x", two="y")
    p.leave("y")
    p.at(3)
    p.arrive("a", need=X)
    p.waits("a")
    p.at(3 + COST)
    p.granted("a", on="two")
    assert p.pool.counts.model_switches == 1


def test_a_second_one_does_not_wait_for_the_same_pod() -> None:
    p = at_work(one="x", two="y")
    p.leave("y")
    p.arrive("a", need=X)
    p.arrive("b", need=X)
    p.granted("a", on="two")
    p.waits("b")


def test_younger_ones_go_ahead_for_as_long_as_a_switch_costs_and_then_no_more() -> None:
    p = at_work(one="x", two="y")
    p.arrive("old", need=Y)
    for name in ("a", "b", "c"):
        p.arrive(name, need=X)
    p.at(5)
    p.leave("x")
    p.granted("a", on="one")  # the window of the old one begins
    p.at(20)
    p.leave("a")
    p.granted("b", on="one")
    p.at(25)
    p.leave("b")
    p.granted("old", on="one")
    assert p.pool.counts.model_switches == 1


def test_one_who_is_bound_is_overtaken_by_nobody_at_home() -> None:
    p = at_work(one="x", two="y")
    p.arrive("bound", session="s", home="one", need=Z)
    p.arrive("a", need=X)
    p.leave("x")
    p.granted("bound", on="one")
    p.leave("y")
    p.granted("a", on="two")  # nobody has x any more


def test_one_who_comes_back_from_a_turn_has_waited_enough() -> None:
    p = at_work(one="x", two="y", three="z")
    p.arrive("a", need=X)
    p.leave("x")
    p.granted("a", on="one")
    p.arrive("b", need=Y)
    p.give_back("a")
    p.leave("y")
    p.granted("a", on="two")


def test_newcomers_of_one_model_go_to_all_that_have_it() -> None:
    p = pods(one="x", two="x", three="y")
    p.arrive("y", need=Y)
    p.granted("y", on="three")
    p.arrive("waits", need=Y)  # three has it
    p.waits("waits")
    p.arrive("a", need=X)
    p.granted("a", on="one")
    p.arrive("b", need=X)
    p.granted("b", on="two")


def test_all_who_are_no_longer_bound_go_where_their_model_is() -> None:
    p = pods(one="x", two="x", three="z")
    p.arrive("z", need=Z)
    p.granted("z", on="three")
    for name in ("a", "b"):
        p.arrive(name, session=name, home="three", need=X)
    p.drain("three")
    p.granted("a", on="one")
    p.granted("b", on="two")


def test_who_needs_what_was_just_switched_away_goes_to_another_that_has_it() -> None:
    p = at_work(one="x", two="y")
    p.arrive("bound", session="s", home="one", need=Y)
    p.pods("one", "two", "three", ready=True)
    p.has("three", "y")
    p.leave("y")
    p.give_back("x")  # nobody has x any more; two switches to it
    p.granted("x", on="two")
    p.granted("bound", on="three")


def test_nobody_waits_for_a_model_that_went_away_with_its_pod() -> None:
    p = at_work(one="x", two="y")
    p.leave("y")
    p.arrive("a", need=X)
    p.waits("a")
    p.drain("one")
    p.granted("a", on="two")


def test_a_pod_that_becomes_ready_serves_the_oldest() -> None:
    p = at_work(one="x")
    p.arrive("a", need=X)
    p.arrive("b", need=Y)
    p.pods("one", "two", ready=True)
    p.granted("a", on="two")


def test_a_pod_with_more_slots_goes_on_with_what_it_has_just_loaded() -> None:
    p = at_work(one="x", two="y")
    for name in ("a", "b"):
        p.arrive(name, need=Z)
    p.refit(limit=3, model_switch_cost=COST)
    p.granted("a", on="one")
    p.granted("b", on="one")


# What a pod has


def test_what_it_says_of_the_time_of_its_last_job_does_not_count() -> None:
    p = pods(one="x")
    p.at(10)
    p.arrive("a", need=Y)
    p.granted("a")
    p.has("one", "z", sent_at=10.0)
    p.at(20)
    p.leave("a")
    backend = p.pool.backends["one"]
    p.has("one", "z", sent_at=19.9)
    assert backend.own_model == "x"
    p.has("one", "z", sent_at=20.0)
    assert backend.own_model == "z"


def test_what_a_job_has_named_stays_loaded_and_what_the_pod_says_is_its_own() -> None:
    p = pods(one=None)
    backend = p.pool.backends["one"]
    p.arrive("a", need=X)
    p.granted("a")
    p.leave("a")
    assert p.pool.should_ask_for_model("one")
    p.has("one", "z")
    assert (backend.model, backend.own_model) == ("x", "z")
    assert not p.pool.should_ask_for_model("one")
    p.arrive("b")
    p.granted("b")
    assert not p.pool.should_ask_for_model("one")  # it works
    p.leave("b")
    p.has("one", "z")
    assert backend.model == "z"


def test_one_that_was_started_anew_has_what_nobody_knows() -> None:
    p = pods(one="x")
    backend = p.pool.backends["one"]
    assert (backend.model, backend.own_model, backend.model_unsure) == ("x", "x", False)
    p.state("one", BackendState.STARTING)
    assert (backend.model, backend.own_model, backend.model_unsure) == (None, None, True)


def test_one_that_was_only_suspect_has_what_it_had() -> None:
    p = pods(one="x", two="y")
    p.arrive("a", need=X)
    p.granted("a", on="one")
    p.give_back("a")
    p.granted("a", on="two")
    p.at(1)
    p.arrive("b", need=X)
    p.granted("b", on="one")


def test_after_a_job_that_may_have_changed_it_it_is_to_be_asked() -> None:
    p = pods(one="x")
    backend = p.pool.backends["one"]
    p.arrive("a", need=X)
    p.granted("a")
    p.leave("a")
    assert not backend.model_unsure
    p.arrive("b")
    p.granted("b")
    p.leave("b")
    assert (backend.model_unsure, backend.model) == (True, "x")
    p.has("one", None)
    assert (backend.model_unsure, backend.model) == (False, "x")


def test_what_nobody_knows_says_nothing_about_models() -> None:
    p = pods(one="x")
    p.has("stranger", "y")
    assert not p.pool.should_ask_for_model("stranger")
    p.pods("one", "two")
    p.has("two", "y")  # it is not ready
    assert p.pool.backends["two"].model == "y"
    p.ready("two")
    p.arrive("a", need=Y)
    p.granted("a", on="two")
    plain = Playbook("one")
    plain.has("one", "x")
    assert plain.pool.backends["one"].model is None


# A pod's own model


def test_who_names_no_model_needs_the_pods_own_if_all_have_the_same() -> None:
    p = pods(one="x", two="x")
    p.arrive("named", need=Y)
    p.granted("named", on="one")
    p.leave("named")
    p.arrive("a", need=OWN)
    p.granted("a", on="two")
    p.arrive("b", need=OWN)
    p.waits("b")
    p.leave("a")
    p.granted("b", on="two")
    p.arrive("c", need=OWN)
    p.at(COST)
    p.granted("c", on="one")
    assert (p.pool.backends["one"].model, p.pool.counts.model_switches) == ("x", 2)


def test_a_model_that_stays_is_the_pods_own_from_then_on() -> None:
    p = pods(one="x", two="x")
    p.arrive("options", session="s", home="one", need=ModelNeed("y", stays=True))
    p.granted("options", on="one")
    p.leave("options")
    assert (p.pool.backends["one"].own_model, p.pool.backends["one"].model) == ("y", "y")
    p.arrive("a", need=OWN)  # they differ: whichever is free
    p.granted("a", on="one")
    assert (p.tickets["a"].had_model, p.pool.counts.model_switches) == (True, 1)


def test_a_ticket_finds_its_model_only_as_the_known_own_one_of_its_backend() -> None:
    p = pods(one="x")
    for name, need, found in (
        *(("a", ModelNeed("x"), True), ("b", ModelNeed("y"), False), ("c", ModelNeed("x"), True)),
        *(("d", OWN, False), ("e", None, False), ("f", ModelNeed("x"), False)),  # `e` may have changed it
    ):
        p.arrive(name, need=need)
        p.granted(name)
        p.leave(name)
        assert p.tickets[name].finds_own is found


def test_where_its_own_is_not_known_a_job_that_takes_it_leaves_what_nobody_knows() -> None:
    p = pods(one=None)
    p.arrive("a", need=X)
    p.granted("a")
    p.leave("a")
    p.arrive("b", need=OWN)
    p.granted("b")
    backend = p.pool.backends["one"]
    assert (backend.model, backend.model_unsure, p.tickets["b"].had_model) == (None, True, None)


# New rules


@pytest.mark.parametrize("cost", [0.0, 5.0])
def test_new_rules_drop_nobody(cost: float) -> None:
    p = at_work(one="x", two="y")
    p.leave("y")
    p.arrive("a", need=X)
    p.arrive("page", Lane.EXEMPT)
    p.granted("page")
    p.at(10)
    p.refit(model_switch_cost=cost)
    if cost:
        p.at(10 + cost)
    p.granted("a", on="two")
    assert p.pool.looks_at_models == bool(cost)
    assert p.pool.backends["two"].model == ("x" if cost else None)
