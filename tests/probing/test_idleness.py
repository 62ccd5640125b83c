"""Asking whether a backend still works, while there is a reason to. In virtual time."""

from __future__ import annotations

from typing import Any

import anyio
import httpx
import pytest
import respx
import structlog

from gateway.core.records.listed import Listed
from gateway.probing.control_client import new_client
from gateway.probing.idleness import IdlenessQuestion
from gateway.probing.probes import IdlenessProbe
from gateway.probing.questions import ask_while_needed
from tests.doubles.recording_reports import RecordingReports
from tests.doubles.virtual_time import virtual_time

pytestmark = pytest.mark.anyio
POD = Listed("pod-1", "10.0.0.1:7860", "pod-1")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time()


async def told(answers: list[httpx.Response | httpx.HTTPError], *, from_: float = 0, until: float = 9) -> list[str]:
    """What the pool is told while the pod gives these answers and is quarantined between these two times."""
    reports = RecordingReports()

    def is_quarantined() -> bool:
        return from_ <= anyio.current_time() < until

    async with new_client() as client:
        probe = IdlenessProbe(client, "/progress", lambda status, body: body == b"idle")
        question = IdlenessQuestion(probe, POD, reports)
        with respx.mock(assert_all_called=False) as pod, anyio.move_on_after(10):
            pod.get("http://10.0.0.1:7860/progress").mock(side_effect=answers)
            await ask_while_needed(question, is_quarantined, lambda: anyio.current_time() + 100)
    return reports.told


async def test_it_says_what_it_heard_and_when_it_asked() -> None:
    idle, busy = httpx.Response(200, text="idle"), httpx.Response(200, text="busy")
    assert await told([busy, idle, idle], until=3) == [
        "pod-1 busy",
        "pod-1 idle, asked at 101.01",
        "pod-1 idle, asked at 102.02",
    ]


async def test_no_answer_is_no_news() -> None:
    assert await told([httpx.Response(500), httpx.ReadTimeout("slow"), httpx.Response(200, text="idle")], until=3) == [
        "pod-1 idle, asked at 102.02"
    ]


async def test_nobody_is_asked_without_a_quarantine() -> None:
    assert await told([httpx.Response(200, text="idle")], from_=5, until=6) == ["pod-1 idle, asked at 105.05"]


async def test_a_pod_with_an_address_for_what_takes_no_slot_is_asked_there_and_told_who_asks() -> None:
    pod = Listed("pod-1", "10.0.0.1:8012", "pod-1", direct_address="10.0.0.1:7860")
    async with new_client() as client:
        probe = IdlenessProbe(client, "/progress", lambda status, body: True, headers={"K-Kubelet-Probe": "gateway"})
        question = IdlenessQuestion(probe, pod, RecordingReports())
        with respx.mock as site, anyio.move_on_after(0.5):
            route = site.get("http://10.0.0.1:7860/progress", headers={"K-Kubelet-Probe": "gateway"})
            await ask_while_needed(question, lambda: True, anyio.current_time)
    assert route.call_count == 1


async def test_one_that_cannot_be_asked_is_told_as_such_and_said_once() -> None:
    with structlog.testing.capture_logs() as events:
        assert await told([httpx.Response(401), httpx.Response(401)], until=2) == ["pod-1 cannot be asked"] * 2
    [event] = events
    assert (event["event"], event["evidence"]) == ("backend_cannot_be_asked", "GET /progress: 401")
    assert "probe.headers" in event["do"]
