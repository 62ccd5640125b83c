"""What has ended a moment ago."""

from __future__ import annotations

import pytest

from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.core.views.explain import Explained
from gateway.ops.recent import BARS_KEPT, FAILURES_KEPT, RECEIPTS_KEPT, RecentRequests
from tests.doubles.records import served, unrouted


def test_a_bar_begins_with_the_turn_and_ends_when_the_pod_was_done() -> None:
    recent = RecentRequests()
    recent.observe(served(granted_at=100.5, waited=0.5, service=12.0, ended_at=120.0))
    (bar,) = recent.ended("sd").between(0, 1)

    assert (bar.pod, bar.arrived, bar.granted, bar.over) == ("gpu-0", 100.0, 100.5, 112.5)
    assert (bar.result, bar.code, bar.status, bar.bytes_in, bar.bytes_out) == ("served", "--", 200, 25, 1_000_000)


def test_who_never_had_a_turn_has_waited_until_the_end() -> None:
    recent = RecentRequests()
    recent.observe(served(waited=3.0, service=None, backend=None, ended_at=120.0, ending=Ending.CLIENT_LEFT_WAITING))
    (bar,) = recent.ended("sd").between(0, 1)

    assert (bar.pod, bar.arrived, bar.granted, bar.over, bar.result) == (None, 117.0, None, 120.0, "client_gone")


@pytest.mark.parametrize("lane", [Lane.EXEMPT, Lane.PASSIVE, None])
def test_only_what_takes_a_slot_is_a_bar(lane: Lane | None) -> None:
    recent = RecentRequests()
    recent.observe(served(lane=lane))

    assert recent.ended("sd").count == 0


def test_what_failed_is_kept_with_its_reason_and_without_its_query() -> None:
    recent = RecentRequests()
    recent.observe(unrouted(target=b"/a?token=secret", detail="no_route"))
    recent.observe(served(ending=Ending.BACKEND_BROKE_IN_ANSWER, detail="x" * 9000))
    recent.observe(served())
    recent.observe(served(ending=Ending.CLIENT_LEFT_IN_ANSWER))
    recent.observe(served(ending=None, status=500))
    recent.observe(served(status=500))
    recent.observe(served(status=404))
    recent.observe(served(ending=Ending.ANSWERED_HERE, status=409))
    recent.observe(served(ending=Ending.NOT_YOURS, status=200))
    recent.observe(served(ending=Ending.TOLD_OF_START, status=503))
    assert recent.failed.count == 4
    lost, cut, defect, error = recent.failed.between(0, 4)

    assert (lost.pool, lost.path, lost.status, lost.code, lost.detail) == (None, "/a", 404, "PR", "no_route")
    assert (cut.pool, cut.pod, cut.ending, len(cut.detail)) == ("sd", "gpu-0", "backend_broke_in_answer", 300)
    assert defect.ending == "internal_error"
    assert (error.ending, error.status, error.pod) == ("served", 500, "gpu-0")


@pytest.mark.parametrize(("status", "result"), [(200, "served"), (404, "served"), (500, "error"), (None, "served")])
def test_a_bar_shows_what_the_client_got(status: int | None, result: str) -> None:
    recent = RecentRequests()
    recent.observe(served(status=status))
    (bar,) = recent.ended("sd").between(0, 1)

    assert (bar.result, bar.code) == (result, "--")


def test_so_much_is_kept_and_no_more() -> None:
    recent = RecentRequests()
    for _ in range(BARS_KEPT + FAILURES_KEPT):
        recent.observe(served(ending=Ending.REFUSED, status=503))

    assert len(recent.ended("sd").between(0, recent.ended("sd").count)) == BARS_KEPT
    assert len(recent.failed.between(0, recent.failed.count)) == FAILURES_KEPT


def test_a_pool_that_is_gone_is_forgotten() -> None:
    recent = RecentRequests()
    recent.observe(served())
    recent.forget("sd")
    recent.forget("nobody")

    assert recent.ended("sd").count == 0


def test_receipts_outlast_their_requests_for_a_while_and_no_longer() -> None:
    recent = RecentRequests()
    recent.observe(served(request_id="quiet", receipt=""))
    for number in range(RECEIPTS_KEPT + 1):
        recent.observe(served(request_id=f"r{number}", receipt="counted; gpu-0 busy"))
    assert recent.explain("r1") == Explained("r1", "sd", "ended", None, "gpu-0", "counted; gpu-0 busy")
    assert (recent.explain("r0"), recent.explain("quiet")) == (None, None)
