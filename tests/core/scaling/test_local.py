"""How many pods of our own should exist."""

from __future__ import annotations

import pytest

from gateway.core.scaling.concurrency import TimeWeighted
from gateway.core.scaling.local import Autoscaling, Bound, LocalEvaluation, Scale
from tests.core.scaling.virtual_pods import VirtualPods

IDLE = 600.0  # ten minutes of nothing before each start
TEN_MINUTES = 600.0
TENTH = 0.1 + 1e-9  # 100 ms, and what floats make of it


class Evaluated:
    """One evaluation on numbers written down by hand."""

    def __init__(self, settings: Autoscaling | None = None, limit: int = 1, ceilings: dict[str, int] | None = None):
        self.load = TimeWeighted()
        self.evaluation = LocalEvaluation(self.load, settings or Autoscaling(), limit, ceilings or {})

    def at(
        self, now: float, *, demand: int, ready: int = 0, waiting: int = 0, pods: int | None = None, ejected: int = 0
    ) -> Scale:
        self.load.set(now, demand)
        return self.evaluation.evaluate(
            now, ready=ready, waiting=waiting, pods=ready if pods is None else pods, ejected=ejected
        )


# From zero, in virtual time


@pytest.mark.parametrize("apart", [0.0, 0.002])
@pytest.mark.parametrize("part", [0.0, 0.03, 0.5, 0.95, 0.999, 1.97])
def test_five_at_once_from_zero_are_five_within_100_ms_and_never_six(part: float, apart: float) -> None:
    pods, start = VirtualPods(), IDLE + part
    pods.start_clients(5, at=start, apart=apart)
    pods.run(start + TENTH)
    assert pods.wished_since(start)[-1] == 5
    pods.run(start + TEN_MINUTES)
    assert max(pods.wished_since(start)) == 5
    assert set(pods.wished_since(start + TENTH)) == {5}


@pytest.mark.parametrize("part", [0.0, 0.5, 0.999])
def test_one_at_a_time_is_one_and_never_two(part: float) -> None:
    pods, start = VirtualPods(), IDLE + part
    pods.start_clients(1, at=start)
    pods.run(start + TEN_MINUTES)
    assert pods.wished_since(start)[0] == 1
    assert set(pods.wished_since(start)) == {1}


def test_when_the_load_ends_the_pods_go_and_the_next_start_is_not_blunted() -> None:
    pods = VirtualPods()
    pods.start_clients(5, at=IDLE)
    pods.run(IDLE + 60)
    pods.stop_clients()
    pods.run(IDLE + 70)
    assert pods.ready == 5, "the stable window remembers"
    pods.run(IDLE + 150)
    assert (pods.ready, pods.starting) == (0, 0)
    pods.start_clients(5, at=IDLE + 151.3)
    pods.run(IDLE + 151.3 + TENTH)
    assert pods.wishes[-1][1] == 5


def test_arrivals_spread_over_more_than_100_ms_get_their_pods_without_waiting_for_the_next_tick() -> None:
    pods = VirtualPods()
    pods.start_clients(5, at=IDLE, apart=0.04)
    pods.run(IDLE + 0.6)
    assert pods.wishes[-1][1] == 5


# When


def test_it_is_due_every_two_seconds() -> None:
    evaluated = Evaluated()
    assert evaluated.evaluation.due(10.0), "at once, the first time"
    evaluated.at(10.0, demand=0)
    assert not evaluated.evaluation.due(11.9)
    assert evaluated.evaluation.due(12.0)


def test_it_hurries_while_fewer_pods_are_desired_than_requests_are_here() -> None:
    evaluated = Evaluated()
    evaluated.at(10.0, demand=0)
    evaluated.load.set(10.05, 1)
    assert evaluated.evaluation.joined()
    assert not evaluated.evaluation.joined(), "it hurries already"
    assert evaluated.evaluation.next_at == pytest.approx(10.1)
    evaluated.at(10.1, demand=1, waiting=1)
    assert evaluated.evaluation.next_at == pytest.approx(12.1), "enough are desired"
    assert not evaluated.evaluation.joined()


def test_it_does_not_hurry_for_what_is_not_allowed() -> None:
    evaluated = Evaluated(ceilings={"processes.max": 2})
    assert evaluated.at(10.0, demand=5, waiting=5).desired == 2
    assert not evaluated.evaluation.joined()


# What


def test_the_running_second_is_not_counted_twice() -> None:
    evaluated = Evaluated()
    assert evaluated.at(10.0, demand=2, waiting=2).decision.stable == 2.0
    assert evaluated.at(10.5, demand=4, pods=2).decision.stable == 2.0
    assert evaluated.at(11.0, demand=4, pods=2).decision.stable == 3.5, "second 10 was 3, second 11 is 4 so far"
    assert evaluated.at(13.5, demand=4, pods=2).decision.stable == (3 + 4 + 4 + 4) / 4


def test_a_vain_start_does_not_prolong_itself() -> None:
    evaluated = Evaluated()
    assert evaluated.at(10.0, demand=5, waiting=5).desired == 5
    again = evaluated.at(12.0, demand=0, pods=0)
    assert (again.desired, again.decision.in_panic) == (0, False)


def test_pods_that_die_under_load_are_wanted_back() -> None:
    evaluated = Evaluated()
    evaluated.at(10.0, demand=5, waiting=5)
    evaluated.at(12.0, demand=5, ready=5)
    assert evaluated.at(14.0, demand=5, waiting=5, pods=0).desired == 5


def test_while_anything_waits_one_pod_is_desired() -> None:
    evaluated = Evaluated()
    for second in range(10, 20):
        evaluated.at(second, demand=0, ready=1)
    assert evaluated.at(20.0, demand=1, ready=1).desired == 1
    evaluated = Evaluated()
    scale = evaluated.at(10.0, demand=0, waiting=1)
    assert (scale.desired, scale.bound) == (1, Bound(1, "waiting"))


@pytest.mark.parametrize(
    ("settings", "ceilings", "demand", "desired", "bound", "ceiling"),
    [
        (Autoscaling(), {}, 3, 3, None, Bound(10, "autoscaling.max_scale")),
        (Autoscaling(max_scale=0), {}, 30, 30, None, None),
        (Autoscaling(max_scale=2), {"gpus": 4}, 3, 2, "autoscaling.max_scale", Bound(2, "autoscaling.max_scale")),
        (Autoscaling(), {"processes.max": 6, "gpus": 2}, 3, 2, "gpus", Bound(2, "gpus")),
        (Autoscaling(max_scale=0), {"processes.max": 1}, 3, 1, "processes.max", Bound(1, "processes.max")),
        (Autoscaling(min_scale=2), {}, 0, 2, "autoscaling.min_scale", Bound(10, "autoscaling.max_scale")),
        (Autoscaling(min_scale=2), {"gpus": 1}, 0, 1, "gpus", Bound(1, "gpus")),
        (Autoscaling(activation_scale=3), {}, 1, 3, None, Bound(10, "autoscaling.max_scale")),
    ],
)
def test_the_least_ceiling_counts_and_the_bound_in_force_is_named(
    settings: Autoscaling, ceilings: dict[str, int], demand: int, desired: int, bound: str | None, ceiling: Bound | None
) -> None:
    scale = Evaluated(settings, ceilings=ceilings).at(10.0, demand=demand, waiting=demand)
    assert (scale.desired, scale.bound and scale.bound.name, scale.ceiling) == (desired, bound, ceiling)


def test_the_pods_to_begin_with_stay_for_a_window_once_they_are_ready() -> None:
    evaluated = Evaluated(Autoscaling(initial_scale=3, window=20), ceilings={"gpus": 2})
    assert evaluated.at(10.0, demand=0).desired == 2
    assert evaluated.at(100.0, demand=0, ready=1, pods=2).desired == 2
    assert evaluated.at(110.0, demand=0, ready=2).desired == 2
    assert evaluated.at(129.0, demand=0, ready=2).desired == 2
    assert evaluated.at(130.0, demand=0, ready=2).desired == 1, "the down rate"
    assert evaluated.at(132.0, demand=0, ready=1).desired == 0


def test_the_last_pod_is_retained() -> None:
    evaluated = Evaluated(Autoscaling(window=6, scale_to_zero_pod_retention_period=30))
    evaluated.at(10.0, demand=1, waiting=1)
    evaluated.at(20.0, demand=0, ready=1)
    kept = evaluated.at(49.5, demand=0, ready=1)
    assert (kept.desired, kept.bound) == (1, Bound(1, "autoscaling.scale_to_zero_pod_retention_period"))
    assert evaluated.at(50.0, demand=0, ready=1).desired == 0


def test_a_retained_pod_that_dies_is_not_replaced() -> None:
    evaluated = Evaluated(Autoscaling(window=6, scale_to_zero_pod_retention_period=300))
    evaluated.at(10.0, demand=1, waiting=1)
    assert evaluated.at(20.0, demand=0, pods=0).desired == 0


def test_a_scale_down_delay_holds_on_to_the_largest_wish() -> None:
    evaluated = Evaluated(Autoscaling(window=6, scale_down_delay=30))
    assert evaluated.at(10.0, demand=4, waiting=4).desired == 4
    evaluated.at(20.0, demand=0, ready=4)
    held = evaluated.at(30.0, demand=0, ready=4)
    assert (held.desired, held.decision.is_delayed) == (4, True)


@pytest.mark.parametrize(
    ("settings", "limit", "target", "total"),
    [
        (Autoscaling(), 1, 1.0, 1.0),
        (Autoscaling(target_utilization_percentage=70), 4, 2.8, 4.0),
        (Autoscaling(target=3, target_utilization_percentage=50), 4, 1.5, 3.0),
        (Autoscaling(target=9), 4, 4.0, 4.0),
        (Autoscaling(target=9), 0, 9.0, 9.0),
        (Autoscaling(), 0, 100.0, 100.0),
        (Autoscaling(target=0.01, target_utilization_percentage=1), 1, 0.01, 0.01),
    ],
)
def test_what_a_pod_should_be_given(settings: Autoscaling, limit: int, target: float, total: float) -> None:
    spec = settings.decider_spec(limit)
    assert spec.target == pytest.approx(target)
    assert spec.total == total


def test_the_panic_window_is_rounded_to_whole_seconds() -> None:
    assert [Autoscaling(window=w).panic_window for w in (6, 14, 15, 60)] == [1, 1, 2, 6]


def test_other_settings_keep_what_was_seen() -> None:
    evaluated = Evaluated()
    for second in range(10, 30):
        evaluated.at(second, demand=4, ready=4)
    settings = Autoscaling(window=120, target_utilization_percentage=50, max_scale=20)
    evaluated.evaluation.reconfigure(settings, limit=4, ceilings={"gpus": 16})
    scale = evaluated.at(30.0, demand=4, ready=4)
    assert (scale.decision.stable, scale.decision.stable_want, scale.ceiling) == (4.0, 2, Bound(16, "gpus"))


def test_an_ejected_pod_is_no_capacity() -> None:
    evaluated = Evaluated(ceilings={"gpus": 4})
    assert evaluated.at(2, demand=2, ready=2).desired == 2
    assert evaluated.at(4, demand=2, ready=1, pods=2, ejected=1).desired == 3
    assert evaluated.at(6, demand=4, ready=3, pods=4, ejected=1).desired == 4, "there is no place for more"
    evaluated.at(8, demand=0, ready=1, pods=2, ejected=1)
    assert evaluated.at(200, demand=0, ready=1, pods=2, ejected=1).desired == 0, "and nobody wants any"
