"""Transcripts: backends whose answers fail, and what becomes of them."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from gateway.core.records.decisions import Ending, Judged
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import BackendState
from gateway.core.views.snapshot import state_of
from tests.core.playbook import Playbook

BROKE = Ending.BACKEND_BROKE_BEFORE_ANSWER


class Clinic(Playbook):
    """A pool with an eye on its pods. Every turn is a new client's."""

    def __init__(self, *pods: str, errors: int = 5, **policy: Any) -> None:
        super().__init__(*pods, health_errors=errors, **policy)
        self._names = (f"request-{n}" for n in itertools.count())

    def turn(self, on: str, status: int | None = 200, ending: Ending = Ending.SERVED) -> None:
        """One request for this pod, whose turn ends so at once."""
        name = next(self._names)
        self.arrive(name, session=name, home=on)
        self.granted(name, on=on)
        self.leave(name, ending, status=status)

    def fail(self, on: str, times: int) -> None:
        for _ in range(times):
            self.turn(on, 500)

    def state_of(self, pod: str) -> str:
        return state_of(self.pool.backends[pod], self.now)


def clinic(pods: int = 4, **policy: Any) -> Clinic:
    return Clinic(*(f"gpu-{n + 1}" for n in range(pods)), **policy)


def test_five_failures_in_a_row_eject_for_ten_seconds() -> None:
    p = clinic()
    p.fail("gpu-2", 1)  # so the requests may be to blame
    p.fail("gpu-1", 5)
    judged = p.judged("gpu-1")
    assert judged == Judged(judged.backend, "5 turns in a row failed, the last one: it answered 500", 10.0)
    assert (p.state_of("gpu-1"), p.pool.ready_count, p.pool.counts.ejections) == ("ejected", 3, 1)
    p.at(9.9)
    assert p.state_of("gpu-1") == "ejected"
    p.at(10.0)
    assert p.state_of("gpu-1") == "ready"


def test_three_are_enough_while_all_others_go_well() -> None:
    p = clinic()
    p.turn("gpu-2")
    p.fail("gpu-1", 3)
    assert (
        p.judged("gpu-1").because == "3 turns in a row failed while all others went well, the last one: it answered 500"
    )


@pytest.mark.parametrize("ending", [BROKE, Ending.BACKEND_BAD_ANSWER, Ending.BACKEND_BROKE_IN_ANSWER])
def test_what_breaks_or_is_no_answer_fails_too(ending: Ending) -> None:
    p = clinic()
    for _ in range(3):
        p.turn("gpu-1", None, ending)
    p.judged("gpu-1")


def test_a_turn_that_is_repeated_elsewhere_has_failed() -> None:
    p = clinic(2)
    for name in "abc":
        p.arrive(name, session=name, home="gpu-1")
        p.granted(name, on="gpu-1")
        p.retry(name, quarantine=0.0)
        p.granted(name, on="gpu-2")
        if name == "c":
            p.judged("gpu-1")
        p.leave(name)
    assert p.state_of("gpu-1") == "ejected"


@pytest.mark.parametrize("status", [400, 404, 422, 499])
def test_a_clients_bad_requests_eject_nobody_and_excuse_nobody(status: int) -> None:
    p = clinic()
    for _ in range(30):
        p.turn("gpu-1", status)
    p.fail("gpu-1", 2)
    p.turn("gpu-1", status)
    p.fail("gpu-1", 1)
    p.judged("gpu-1")


def test_one_clients_failures_are_no_ones_but_its_own() -> None:
    p = clinic()
    for n in range(30):
        p.arrive(f"a{n}", session="a", home="gpu-1")
        p.granted(f"a{n}", on="gpu-1")
        p.leave(f"a{n}", status=500)
    assert p.state_of("gpu-1") == "ready"


def test_one_that_fails_by_turns_is_ejected_by_its_share() -> None:
    p = clinic()
    for status in (500, 500, 200) * 3:
        p.turn("gpu-1", status)
    p.fail("gpu-1", 2)
    assert p.judged("gpu-1").because == "8 of its last 11 turns failed, the last one: it answered 500"


def test_half_of_them_is_not_more_than_half() -> None:
    p = clinic(errors=50)
    for status in (200, 200, 500, 500) * 10:
        p.turn("gpu-1", status)
    p.nothing()


def test_each_ejection_in_a_row_lasts_twice_as_long_until_a_success() -> None:
    p = clinic(health_rest=10.0)
    p.fail("gpu-1", 3)
    lasted = []
    for _ in range(7):
        lasted.append(p.judged("gpu-1").seconds)
        p.at(p.now + lasted[-1])
        p.fail("gpu-1", 1)
    assert lasted == [10, 20, 40, 80, 160, 300, 300]
    p.at(p.now + p.judged("gpu-1").seconds)
    p.turn("gpu-1")
    conduct = p.pool.backends["gpu-1"].conduct
    assert (conduct.judged, conduct.because, conduct.on_trial) == (0, "", False)
    p.fail("gpu-1", 1)
    p.nothing()


def test_what_was_still_at_work_when_it_was_ejected_changes_nothing() -> None:
    p = clinic(2, limit=5)
    for name in "abcde":
        p.arrive(name, session=name, home="gpu-1")
        p.granted(name, on="gpu-1")
    for name in "abc":
        p.leave(name, status=500)
    p.judged("gpu-1")
    p.leave("d", status=500)
    p.leave("e", status=200)
    assert (p.state_of("gpu-1"), p.pool.backends["gpu-1"].conduct.judged) == ("ejected", 1)


def test_never_more_than_the_share_and_never_the_last() -> None:
    p = clinic(5)
    for pod in ("gpu-1", "gpu-2"):
        p.fail(pod, 3)
        p.judged(pod)
    p.fail("gpu-3", 3)
    assert p.judged("gpu-3").seconds == 0
    assert p.pool.ready_count == 3
    alone = clinic(1)
    alone.fail("gpu-1", 5)
    assert (alone.judged("gpu-1").seconds, alone.state_of("gpu-1")) == (0, "ready")
    all_but_one = clinic(2, health_max_ejected=100)
    all_but_one.fail("gpu-1", 3)
    all_but_one.judged("gpu-1")
    all_but_one.fail("gpu-2", 5)
    assert all_but_one.judged("gpu-2").seconds == 0


def test_the_best_of_the_bad_comes_back_when_the_good_go() -> None:
    p = clinic(4)
    p.fail("gpu-1", 3)
    p.judged("gpu-1")
    p.at(10.0)
    p.fail("gpu-1", 1)  # for the second time in a row
    p.judged("gpu-1")
    p.fail("gpu-2", 3)
    p.judged("gpu-2")
    for name, on in zip("ab", ("gpu-3", "gpu-4"), strict=True):
        p.arrive(name)
        p.granted(name, on=on)
    p.arrive("c")
    p.state("gpu-3", BackendState.GONE)
    p.granted("c", on="gpu-2")
    assert p.state_of("gpu-1") == "ejected"
    p.state("gpu-4", BackendState.GONE)
    assert [p.state_of(pod) for pod in ("gpu-1", "gpu-2")] == ["ejected", "ready"]


def test_one_whose_slots_are_quarantined_for_long_serves_nobody_either() -> None:
    p = clinic(2, health_rest=100.0)
    p.fail("gpu-1", 3)
    p.judged("gpu-1")
    p.arrive("a", session="a", home="gpu-2")
    p.granted("a", on="gpu-2")
    p.at(5)
    p.leave("a", Ending.BACKEND_STALLED_IN_ANSWER, quarantine=600.0)
    p.arrive("b")
    p.at(14)
    p.waits("b")
    p.at(15)
    p.granted("b", on="gpu-1")
    p.leave("b", status=500)
    p.judged("gpu-1")
    assert p.state_of("gpu-1") == "ready", "the best of the bad serves"


def test_homes_on_it_count_as_not_ready() -> None:
    p = clinic(2)
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.arrive("b", session="t", home="gpu-2")
    p.granted("b", on="gpu-2")
    p.arrive("c", session="s", home="gpu-1")
    p.leave("a", status=200)
    p.granted("c", on="gpu-1")
    p.leave("c")
    p.fail("gpu-1", 3)
    p.judged("gpu-1")
    p.arrive("d", session="s", home="gpu-1")
    assert "gpu-1 ejected" in p.receipt("d")
    p.leave("b")
    p.granted("d", on="gpu-2")
    p.arrive("page", Lane.EXEMPT, session="u", home="gpu-1")
    p.granted("page", on="gpu-2")


def test_a_start_makes_it_another_one() -> None:
    p = clinic()
    p.fail("gpu-1", 3)
    p.judged("gpu-1")
    p.state("gpu-1", BackendState.STARTING)
    p.state("gpu-1", BackendState.READY)
    assert (p.state_of("gpu-1"), p.pool.ejected_count) == ("ready", 0)


def test_an_operator_may_say_that_it_is_well() -> None:
    p = clinic(2)
    p.fail("gpu-1", 3)
    p.judged("gpu-1")
    p.arrive("a")
    p.granted("a", on="gpu-2")
    p.arrive("b")
    p.release("gpu-1")
    p.granted("b", on="gpu-1")
    assert p.tickets["b"].wait_ended == "gpu-1 became ready"


def test_without_errors_nobody_is_ejected_and_who_is_comes_back() -> None:
    off = clinic(errors=0)
    off.fail("gpu-1", 30)
    off.nothing()
    p = clinic()
    p.fail("gpu-1", 3)
    p.judged("gpu-1")
    p.refit(limit=1, health_errors=5)
    assert p.state_of("gpu-1") == "ejected"
    p.refit(limit=1, health_errors=0)
    assert p.state_of("gpu-1") == "ready"


def test_the_third_judgement_in_a_row_makes_it_hopeless_once_it_has_nothing_in_hand() -> None:
    p = clinic(1)
    for failures in (5, 5, 2):  # the last two are more than half of its last twelve
        assert p.pool.hopeless() == {}
        p.fail("gpu-1", failures)
        p.judged("gpu-1")
    assert p.pool.hopeless() == {"gpu-1": "12 of its last 12 turns failed, the last one: it answered 500"}
    p.arrive("a")
    p.granted("a")
    assert p.pool.hopeless() == {}
    p.leave("a", status=422, quarantine=60.0)
    assert p.pool.hopeless() == {}, "it may be at work"
    p.release("gpu-1")
    assert p.pool.hopeless() == {}, "it is well"


def test_who_is_judged_no_longer_is_hopeless_no_longer() -> None:
    p = clinic(1)
    for failures in (5, 5, 2):
        p.fail("gpu-1", failures)
        p.judged("gpu-1")
    p.refit(health_errors=0)
    assert p.pool.hopeless() == {}


def test_it_is_the_first_to_be_scaled_in_and_no_capacity_until_then() -> None:
    p = clinic(3)
    p.fail("gpu-2", 3)
    p.judged("gpu-2")
    assert p.pool.ejected_count == 1
    assert p.take_for_removal() == "gpu-2"


def test_one_that_goes_while_it_is_ejected_wants_no_other_in_its_place() -> None:
    p = clinic(3)
    p.fail("gpu-1", 2)
    p.arrive("a", session="a", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.leave("a", status=500, quarantine=60.0)
    p.judged("gpu-1")
    assert p.pool.ejected_count == 1
    p.pods("gpu-2", "gpu-3")
    assert (p.pool.ejected_count, p.pool.quarantined) == (0, 1)


def test_one_that_is_ejected_takes_the_place_of_one_that_is_scaled_in() -> None:
    p = clinic(2)
    p.fail("gpu-1", 2)
    p.arrive("a", session="a", home="gpu-1")
    p.granted("a")
    p.leave("a", status=500, quarantine=60.0)
    p.judged("gpu-1")
    assert p.take_for_removal() == "gpu-2"
    assert (p.state_of("gpu-1"), p.pool.is_cold) == ("ready", False)


def test_a_quick_failure_makes_nobody_expect_to_be_served_quickly() -> None:
    p = clinic()
    p.fail("gpu-1", 2)
    p.turn("gpu-1", 422)
    assert p.pool.estimates.service is None
    assert p.pool.backends["gpu-1"].served == 1
