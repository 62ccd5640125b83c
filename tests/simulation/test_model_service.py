"""What models are worth on a made-up trace: which way the figures point that `python -m tests.simulation.model_service`
prints."""

from __future__ import annotations

import pytest

from tests.simulation.model_service import Service, percentile, trace

COST = 10.0  # the default of affinity.model_switch_cost
WISHES = trace(seed=1, requests=2000)


@pytest.mark.parametrize("cookies", [False, True])
@pytest.mark.parametrize("pods", [8, 6])
def test_pods_load_less_and_people_wait_less(pods: int, cookies: bool) -> None:
    plain, aware = (Service(WISHES, pods, cost, cookies=cookies) for cost in (0.0, COST))
    assert len(plain.waits) == len(aware.waits) == len(WISHES)
    assert aware.switches < (0.8 if cookies else 0.65) * plain.switches
    assert aware.busy < 0.92 * plain.busy
    for percent in (95, 99):
        assert percentile(aware.waits, percent) < percentile(plain.waits, percent)
        assert percentile(aware.delays, percent) <= percentile(plain.delays, percent)
    assert sum(aware.delays) < 0.8 * sum(plain.delays)


def test_nobody_is_overtaken_for_longer_than_a_switch_costs_and_nobody_where_models_do_not_matter() -> None:
    assert Service(WISHES, 6, 0.0, cookies=False).longest_overtaken == 0
    assert 0 < Service(WISHES, 6, COST, cookies=False).longest_overtaken <= COST


def test_the_trace_is_like_the_one_that_it_is_made_after() -> None:
    wishes = trace(seed=1, requests=10_000)
    shares = sorted((sum(wish.model == model for wish in wishes) for model in {w.model for w in wishes}), reverse=True)
    assert shares[0] / len(wishes) == pytest.approx(0.31, abs=0.03)
    assert sum(shares[:5]) / len(wishes) == pytest.approx(0.71, abs=0.03)
    work = [wish.work for wish in wishes]
    assert percentile(work, 50) == pytest.approx(23, rel=0.1)
    assert percentile(work, 95) == pytest.approx(70, rel=0.1)
    visitors = {wish.visitor for wish in wishes}
    assert len(wishes) / len(visitors) == pytest.approx(4.5, rel=0.1)
    assert len(wishes) / (wishes[-1].at / 60) == pytest.approx(0.81, rel=0.2)
