"""What people are told of the time they will wait."""

from __future__ import annotations

from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import ModelNeed
from gateway.core.records.listed import BackendState
from tests.core.playbook import Playbook


class Waiting(Playbook):
    """A pool that has measured: work takes 10 s, a start 60 s."""

    def __init__(self, *pods: str, **policy: object) -> None:
        super().__init__(*pods, **policy)  # type: ignore[arg-type]
        self.pool.estimates.served(10.0)
        self.pool.estimates.warmed(60.0)

    def expects(self, name: str | None = None) -> float | None:
        """A newcomer, or one in line."""
        if name is None:
            return self.pool.expected_wait(self.now)
        return self.pool.expected_wait_of(self.tickets[name], self.now)

    def work(self, *names: str) -> None:
        for name in names:
            self.arrive(name)
            self.granted(name)


def test_nobody_waits_for_a_slot_that_is_free() -> None:
    assert Waiting("gpu-1").expects() == 0
    assert Waiting("gpu-1", limit=0).expects() == 0


def test_each_busy_slot_is_free_after_what_is_left_of_the_median() -> None:
    p = Waiting("gpu-1", "gpu-2")
    p.work("a")
    p.at(6)
    p.work("b")
    p.arrive("c")
    assert (p.expects("c"), p.expects()) == (4, 10)
    p.at(13)  # a takes longer than the median: it may end at any moment
    assert (p.expects("c"), p.expects()) == (0, 3)


def test_those_that_start_will_have_slots_too() -> None:
    p = Waiting("gpu-1")
    p.work("a")
    p.pods("gpu-1", "gpu-2")
    for name in "bcdefgh":
        p.arrive(name)
    assert [p.expects(name) for name in "bcdefgh"] == [10, 20, 30, 40, 50, 60, 60]
    p.at(5)
    assert p.expects("h") == 55


def test_one_that_was_ready_and_starts_again_is_reckoned_from_there() -> None:
    p = Waiting("gpu-1")
    p.at(100)
    p.state("gpu-1", BackendState.STARTING)
    p.at(120)
    assert p.expects() == 40


def test_with_nothing_at_all_a_start_is_to_come() -> None:
    p = Waiting()
    assert p.expects() == 60
    p.arrive("a")
    p.at(25)
    assert (p.expects("a"), p.expects()) == (35, 45)


def test_who_is_bound_to_a_home_has_its_line_before_it() -> None:
    p = Waiting("gpu-1", "gpu-2")
    for name in ("a", "b", "c"):
        p.arrive(name, session=name, home="gpu-1")
        if name == "a":
            p.granted("a", on="gpu-1")
    p.arrive("spills", session="s", home="gpu-1", spill=True)
    p.granted("spills", on="gpu-2")
    p.at(4)
    assert [p.expects(name) for name in "bc"] == [6, 16]
    p.arrive("also spills", session="t", home="gpu-1", spill=True)
    assert p.expects("also spills") == 16, "two are ahead of it on two pods"


def test_a_models_own_median_says_when_its_job_ends() -> None:
    p = Waiting("gpu-1", model_switch_cost=1.0)
    p.pool.estimates.served(50.0, "xl")
    p.arrive("a", need=ModelNeed("xl"))
    p.granted("a")
    assert p.expects() == 50


def test_what_nobody_can_tell_is_unknown() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("a")
    p.granted("a")
    p.arrive("b", session="s", home="gpu-1")
    assert p.pool.expected_wait_of(p.tickets["b"], 0) is None, "no work was measured"
    stuck = Waiting("gpu-1")
    stuck.work("a")
    stuck.leave("a", Ending.BACKEND_BROKE_IN_ANSWER, quarantine=100)
    assert stuck.expects() is None, "every slot is quarantined"
    new = Playbook()
    new.pods("gpu-1")
    assert new.pool.expected_wait(0) is None, "no start was measured"
    new.pool.estimates.warmed(60.0)
    assert new.pool.expected_wait(1) == 59
    new.arrive("a")
    assert new.pool.expected_wait(1) is None, "no work was measured, and one is ahead"


def test_those_who_take_nobody_are_left_out_and_a_suspect_is_asked_in_a_moment() -> None:
    p = Waiting("gpu-1", "gpu-2", "gpu-3", health_errors=1)
    p.drain("gpu-1")
    for name in "ab":
        p.arrive(name, session=name, home="gpu-2")
        p.granted(name, on="gpu-2")
        p.leave(name, status=500)
    p.judged("gpu-2")
    p.arrive("c")
    p.granted("c", on="gpu-3")
    p.give_back("c")
    assert p.expects("c") == 1
