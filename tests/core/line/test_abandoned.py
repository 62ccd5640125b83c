"""Transcripts: work that goes on for nobody, and who waits behind it."""

from __future__ import annotations

import pytest

from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.core.scaling.report import Accounting, Report, RevisionReport
from tests.core.playbook import Playbook


def measured(*, service: float = 10.0, cold_start: float | None = 4.0) -> Playbook:
    """One pod, of which so much is known."""
    p = Playbook("gpu-1")
    p.pool.estimates.served(service)
    if cold_start is not None:
        p.pool.estimates.warmed(cold_start)
    return p


def left_at(p: Playbook, when: float) -> Playbook:
    """Somebody left her work at that time, and somebody else has come."""
    p.arrive("left")
    p.granted("left")
    p.at(when)
    p.client_left("left")
    p.arrive("next")
    p.waits("next")
    return p


def test_work_that_is_about_to_end_is_counted_once_with_who_waits_for_its_slot() -> None:
    p = left_at(measured(), 7)
    assert (p.pool.demand, p.pool.wanted, p.pool.load.level) == (1, 1, 1)
    p.arrive("third")
    assert p.pool.demand == 2, "only as many as slots will be free"
    p.leave("left", Ending.CLIENT_LEFT_IN_ANSWER)
    p.granted("next")
    assert p.pool.demand == 2


def test_where_nobody_waits_it_keeps_its_pod() -> None:
    p = measured()
    p.arrive("left")
    p.granted("left")
    p.at(9)
    p.client_left("left")
    assert (p.pool.demand, p.pool.take_for_removal(p.now)[0]) == (1, None)


def test_work_that_outlasts_the_start_of_a_pod_is_counted_beside_who_waits() -> None:
    p = left_at(measured(), 5)
    assert p.pool.demand == 2
    p.at(6.5)
    p.arrive("third")
    assert p.pool.demand == 2, "by now it is about to end"


@pytest.mark.parametrize("known", [{}, {"service": 10.0}, {"cold_start": 60.0}])
def test_where_nothing_was_measured_both_count(known: dict[str, float]) -> None:
    p = Playbook("gpu-1")
    for name, seconds in known.items():
        (p.pool.estimates.served if name == "service" else p.pool.estimates.warmed)(seconds)
    assert left_at(p, 9).pool.demand == 2


def test_a_client_that_is_not_at_work_leaves_nothing() -> None:
    p = measured(cold_start=60.0)
    p.arrive("work")
    p.granted("work")
    p.arrive("page", Lane.EXEMPT)
    p.granted("page")
    p.arrive("next")
    for name in ("page", "next"):
        p.client_left(name)
    assert p.pool.demand == 2


def test_work_that_was_given_back_is_left_no_more() -> None:
    p = left_at(measured(cold_start=60.0), 1)
    p.give_back("left")
    p.at(20)
    assert p.pool.demand == 2


def test_the_autoscaler_hears_of_five() -> None:
    p = measured(cold_start=60.0)
    p.pool.report = report = RevisionReport(Accounting.PROXIED)
    p.at(1)
    p = left_at(p, 8)
    p.at(9)
    assert report.tick(9) == Report(1.0, 2.0)
