"""Asking what a backend has loaded, while that is not known. In virtual time."""

from __future__ import annotations

from typing import Any

import anyio
import httpx
import pytest
import respx

from gateway.core.records.listed import Listed
from gateway.probing.control_client import new_client
from gateway.probing.loaded import ModelQuestion
from gateway.probing.probes import LoadedProbe
from gateway.probing.questions import ask_while_needed
from tests.doubles.recording_reports import RecordingReports
from tests.doubles.virtual_time import virtual_time

pytestmark = pytest.mark.anyio
POD = Listed("pod-1", "10.0.0.1:8012", "pod-1", direct_address="10.0.0.1:7860")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time()


async def told(*answers: httpx.Response | httpx.HTTPError, until: float = 9) -> list[str]:
    """What the pool is told while the pod gives these answers; it has heard enough when it was told something."""
    reports = RecordingReports()

    def is_unsure() -> bool:
        return not reports.told and anyio.current_time() < until

    async with new_client() as client:
        probe = LoadedProbe(client, "/options", lambda status, body: body.decode() if status == 200 else None)
        question = ModelQuestion(probe, POD, reports)
        with respx.mock(assert_all_called=False) as pod, anyio.move_on_after(10):
            pod.get("http://10.0.0.1:7860/options").mock(side_effect=answers)
            await ask_while_needed(question, is_unsure, lambda: anyio.current_time() + 100)
    return reports.told


async def test_it_is_asked_once_where_questions_go_and_says_what_it_has() -> None:
    assert await told(httpx.Response(200, text="x")) == ["pod-1 has x, asked at 100.00"]


async def test_no_answer_is_no_news_and_it_is_asked_again() -> None:
    slow, x = httpx.ReadTimeout("slow"), httpx.Response(200, text="x")
    assert await told(slow, slow, x) == ["pod-1 has x, asked at 102.00"]


async def test_an_answer_that_does_not_say_is_an_answer() -> None:
    assert await told(httpx.Response(404)) == ["pod-1 has None, asked at 100.00"]


async def test_who_is_known_is_left_alone() -> None:
    assert await told(httpx.Response(200, text="x"), until=0) == []
