"""Which model is loaded where, and what that is worth in line."""

from __future__ import annotations

import math

import pytest

from gateway.core.models.models import Model, ModelLine, ModelStock
from tests.core.model_pods import SWITCH, served, trace
from tests.core.test_costs import RATIO, instructions


def stock_of(**loaded: Model) -> ModelStock[str]:
    """Free backends, in order of rank."""
    stock: ModelStock[str] = ModelStock()
    for rank, (name, model) in enumerate(loaded.items()):
        stock.load(name, model, 0.0)
        stock.free(name, rank)
    return stock


def line_of(*models: Model, cost: float = 10, **holders: int) -> ModelLine[str]:
    """Requests named by letters, numbered from 1, and how many backends have each model."""
    line: ModelLine[str] = ModelLine(cost, lambda model: holders.get(model or "", 0))
    for number, model in enumerate(models, 1):
        line.put("abcdefg"[number - 1], number, model)
    return line


def test_a_free_backend_that_has_the_model_serves() -> None:
    stock = stock_of(one="x", two="y", three="y")
    assert stock.choose("y") == "two"
    stock.take("two")
    assert (stock.choose("y"), stock.free_with("y"), stock.free_with("z")) == ("three", "three", None)
    assert stock.choose(None) == "one"


def test_else_an_empty_one_and_else_the_one_whose_model_was_not_asked_for_the_longest() -> None:
    stock = stock_of(one="x", two="y", three=None)
    stock.asked("y", 5.0)
    stock.asked("x", 6.0)
    assert stock.choose("z") == "three"
    stock.take("three")
    assert stock.choose("z") == "two"
    stock.take("two")
    stock.take("one")
    assert stock.choose("z") is None


def test_what_is_loaded_changes_with_the_work() -> None:
    stock = stock_of(one="x")
    assert stock.load("one", "y", 1.0) == "x"
    assert (stock.holders("x"), stock.holders("y"), stock.loaded("one"), stock.choose("y")) == (0, 1, "y", "one")
    stock.take("one")
    stock.load("one", "x", 2.0)
    assert stock.choose("x") is None  # it is busy still
    assert stock.forget("one") == "x"
    assert (stock.holders("x"), stock.loaded("one"), stock.forget("one")) == (0, None, None)


def test_names_that_clients_make_up_are_not_remembered() -> None:
    stock = stock_of(one="x")
    for number in range(1000):
        stock.asked(f"made-up-{number}", 1.0)
    stock.asked("x", 1.0)
    assert stock._asked == {"x": 1.0}
    stock.load("one", "y", 2.0)
    assert stock._asked == {"y": 2.0}


def test_what_was_just_loaded_is_not_the_first_to_go() -> None:
    stock = stock_of(one="x", two="y")
    stock.asked("x", 5.0)
    stock.asked("y", 6.0)
    stock.load("one", "z", 7.0)
    assert stock.choose("w") == "two"


def test_the_oldest_that_needs_nothing_else_goes_first() -> None:
    line = line_of("y", "x", None, "x", x=1, y=1)
    assert line.next_for("x") == "b"
    line.discard("b")
    assert line.next_for("x") == "c"
    assert line.next_for(None) == "c"
    line.discard("c")
    line.discard("c")
    assert (line.next_for("x"), line.next_for("z"), len(line)) == ("d", None, 2)
    assert line.model_of("d") == "x"


def test_one_waits_for_each_backend_that_has_the_model_and_the_others_switch() -> None:
    line = line_of("x", "x", "y", x=1, y=0)
    assert line.next_for("z") == "a"  # two wait for the one
    line.discard("a")
    assert line.next_for("z") == "c"  # nobody has y
    line.discard("c")
    assert line.next_for("z") is None
    assert line.next_event() is None


def test_it_is_reconsidered_when_a_backend_with_the_model_has_gone() -> None:
    holders = {"x": 1}
    line: ModelLine[str] = ModelLine(10, lambda model: holders.get(model or "", 0))
    line.put("a", 1, "x")
    assert line.next_for("z") is None
    holders["x"] = 0
    line.reconsider("x")
    assert line.next_for("z") == "a"


def test_who_is_left_waiting_though_a_backend_is_free_is_due_after_the_cost_of_a_switch() -> None:
    line = line_of("x", x=1, cost=10)
    line.held_back(5.0)
    assert line.next_event() == 15.0
    line.expire(14.9)
    assert line.next_for("z") is None
    line.expire(15.0)
    assert (line.next_for("z"), line.next_event()) == ("a", None)


def test_who_was_overtaken_is_due_after_it_as_well_and_goes_before_everybody() -> None:
    line = line_of("y", "x", "x", y=1, x=1, cost=10)
    line.discard("b")
    line.passed_over(2, 0.0)
    line.held_back(8.0)  # a's window runs already
    line.expire(10.0)
    assert line.next_for("x") == "a"
    line.expire(18.0)
    line.discard("a")
    assert line.next_for("x") == "c"


def test_whoever_leaves_the_line_and_comes_back_is_overtaken_no_longer_in_all() -> None:
    """As one does whose home works for its own session meanwhile."""
    for left_at, is_due in ((4, False), (12, True)):
        line = line_of("x", "y", x=1)
        line.passed_over(2, now=0)
        line.expire(left_at)
        window = line.window_of("a")
        line.discard("a")
        line.put("a", 1, "x", window_until=window)
        assert (line.first_due() == "a") is is_due
        line.expire(10)
        assert line.first_due() == "a"
    fresh = line_of("x", x=1)
    assert fresh.window_of("a") == math.inf


def test_a_cost_of_nothing_is_the_plain_line() -> None:
    line = line_of("y", "x", x=1, y=1, cost=0)
    assert line.next_for("x") == "a"
    wishes = trace(seed=3, requests=500, mean_gap=80)
    assert served(wishes, pods=4, cost=0).order == sorted(wish.number for wish in wishes)


@pytest.mark.parametrize("mean_gap", [80, 140])
def test_on_a_trace_it_halves_the_switches_and_nobody_is_overtaken_for_longer_than_one(mean_gap: float) -> None:
    wishes = trace(seed=1, requests=2000, mean_gap=mean_gap)
    plain = served(wishes, pods=8, cost=0, aware=False)
    aware = served(wishes, pods=8, cost=SWITCH)
    assert sorted(aware.order) == sorted(plain.order) == [wish.number for wish in wishes]
    assert plain.switches > 0.8 * len(wishes)
    assert aware.switches < 0.55 * len(wishes)
    assert aware.longest_overtaken <= SWITCH
    assert max(aware.waits) <= max(plain.waits) + SWITCH


def test_under_load_it_takes_most_of_the_waiting_away() -> None:
    wishes = trace(seed=1, requests=4000, mean_gap=80)
    plain, aware = served(wishes, pods=8, cost=0, aware=False), served(wishes, pods=8, cost=SWITCH)
    assert aware.wait(95) < plain.wait(95) / 2
    assert aware.wait(99) < plain.wait(99) / 2


class Crowd:
    """Backends that are all at work, ten to each model, and requests that need one of those or another one."""

    def __init__(self, servers: int, requests: int) -> None:
        self.stock: ModelStock[int] = ModelStock()
        self.line: ModelLine[int] = ModelLine(10.0, self.stock.holders)
        self.models = max(1, servers // 10)
        self.arrived = 0
        for server in range(servers):
            self.stock.load(server, f"m{server % self.models}", 0.0)
        self.server = 0
        for _ in range(requests):
            self.arrive()

    def arrive(self) -> None:
        self.arrived += 1
        model = f"m{self.arrived % self.models}" if self.arrived % 3 else f"other-{self.arrived % 50}"
        self.stock.asked(model, float(self.arrived))
        self.line.put(self.arrived, self.arrived, model)

    def passes(self) -> None:
        """A few backends are done, each serves the next one and somebody joins the line."""
        for _ in range(20):
            now = float(self.arrived)
            self.server = (self.server + 1) % 10
            self.stock.free(self.server, now)
            self.line.expire(now)
            request = self.line.next_for(self.stock.loaded(self.server))
            assert request is not None
            model = self.line.model_of(request)
            chosen = self.stock.choose(model)
            assert chosen is not None
            self.stock.take(chosen)
            self.line.discard(request)
            self.line.passed_over(request, now)
            for changed in (self.stock.load(chosen, model, now), model):
                self.line.reconsider(changed)
            self.arrive()


def test_a_grant_costs_the_same_before_a_thousand_backends_and_in_a_line_of_ten_thousand() -> None:
    def cost(servers: int, requests: int) -> int:
        crowd = Crowd(servers, requests)
        crowd.passes()  # the first overtaking begins the window of everybody: once for each request
        return instructions(crowd.passes)

    small = cost(10, 100)
    assert cost(1000, 100) <= RATIO * small
    assert cost(10, 10_000) <= RATIO * small
