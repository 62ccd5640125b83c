"""One pool in one line."""

from __future__ import annotations

from gateway.top.port import Pool
from gateway.top.summary import outages_of, summary_of
from tests.doubles.operators_port import told_backend, told_pool, told_ticket


def test_it_says_what_is_known() -> None:
    told = told_pool("sd", told_backend("gpu-1"), cold=True)
    assert summary_of(Pool.model_validate(told)) == ("sd: cold · at work 0/1 · waiting 0/1000 · demand 0 · sessions 0")
    told = told_pool(
        "sd",
        told_backend("gpu-1"),
        tickets=[told_ticket(1, "a")],
        quarantined=1,
        cold_start_median=42.0,
        autoscaler={"desired": 2, "ready": 1},
        stopping=True,
    )
    assert summary_of(Pool.model_validate(told)) == (
        "sd: stopping · at work 0/1 · waiting 1/1000 · demand 1 · sessions 0 · quarantined 1 · oldest 12 s"
        " · cold start 42 s · desired 2, ready 1"
    )


def test_where_models_matter_it_says_how_often_they_were_switched() -> None:
    told = told_pool("sd", looks_at_models=True, counts={"model_switches": 3, "arrivals": 9})
    assert summary_of(Pool.model_validate(told)).endswith(" · sessions 0 · model switches 3")


def test_it_says_what_is_wrong_whether_or_not_anybody_waits() -> None:
    told = told_pool("sd", told_backend("gpu-1"))
    assert outages_of(Pool.model_validate(told)) == ""

    told |= {"cold": True, "start_failures": 3, "start_evidence": "exit code 3: no\x1b GPU", "next_start_in": 4.2}
    assert outages_of(Pool.model_validate(told)) == (
        "the last 3 starts failed (exit code 3: no� GPU); next attempt in 4.2 s"
    )
    told = told_pool("sd", told_backend("gpu-1", state="suspect"), start_failures=1, next_start_in=0.0)
    assert outages_of(Pool.model_validate(told)) == (
        "the last start failed (no reason is known) · 1 pod refuses connections"
    )


def test_it_says_what_the_probe_of_a_pod_found() -> None:
    unready = {"state": "starting", "unready_because": "GET /ready: 404", "unready_for": 41.5}
    told = told_pool("sd", told_backend("gpu-1", **unready), told_backend("gpu-2", **unready))
    assert outages_of(Pool.model_validate(told)) == "gpu-1 is not ready for 42 s: GET /ready: 404, and 1 more"
    told = told_pool("sd", told_backend("gpu-1", **unready))
    assert outages_of(Pool.model_validate(told)) == "gpu-1 is not ready for 42 s: GET /ready: 404"
    told = told_pool("sd", stale=["GET slices: 403"])
    assert outages_of(Pool.model_validate(told)) == "no news of its pods: GET slices: 403"


def test_it_says_whose_answers_fail() -> None:
    why = {"fails_because": "5 turns in a row failed, the last one: it answered 500"}
    told = told_pool("sd", told_backend("gpu-1", state="ejected", ejected_for=7.3, **why))
    assert outages_of(Pool.model_validate(told)) == (
        "gpu-1 is ejected for 7.3 s more: 5 turns in a row failed, the last one: it answered 500"
    )
    told = told_pool("sd", told_backend("gpu-1", **why), told_backend("gpu-2", **why))
    assert outages_of(Pool.model_validate(told)) == (
        "gpu-1 fails: 5 turns in a row failed, the last one: it answered 500, and 1 more"
    )
