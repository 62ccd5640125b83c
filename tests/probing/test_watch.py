"""One backend, looked after in every way its kind allows."""

from __future__ import annotations

from typing import Any

import anyio
import httpx
import pytest
import respx

from gateway.core.records.listed import Listed
from gateway.probing.control_client import new_client
from gateway.probing.probes import IdlenessProbe, LoadedProbe
from gateway.probing.readiness import Cadence
from gateway.probing.watch import BackendWatch
from tests.doubles.recording_reports import RecordingReports
from tests.doubles.scripted_probe import ScriptedProbe
from tests.doubles.virtual_time import virtual_time

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time()


@pytest.mark.parametrize(
    ("can_ask", "told"),
    [
        (
            True,
            [
                *("new has x, asked at 0.00", "new has x, asked at 1.00", "new has x, asked at 2.00"),
                *("sick idle, asked at 0.00", "sick idle, asked at 1.01", "sick idle, asked at 2.02"),
            ],
        ),
        (False, []),
    ],
)
async def test_readiness_of_all_the_rest_of_those_that_can_be_asked(can_ask: bool, told: list[str]) -> None:
    reports = RecordingReports()
    ready: list[tuple[str, bool]] = []
    async with new_client() as client:
        watch = BackendWatch(
            probe=ScriptedProbe("p"),
            cadence=Cadence(),
            loaded_probe=LoadedProbe(client, "/options", lambda status, body: "x") if can_ask else None,
            is_unsure=lambda identity: identity == "new",
            idle_probe=IdlenessProbe(client, "/progress", lambda status, body: True) if can_ask else None,
            is_busy=lambda identity: False,
            is_leaving=lambda identity: False,
            is_quarantined=lambda identity: identity == "sick",
            reports=reports,
            clock=anyio.current_time,
        )
        with respx.mock(assert_all_called=False) as pod, anyio.move_on_after(3):
            pod.get("http://sick:80/progress").mock(return_value=httpx.Response(200))
            pod.get("http://new:80/options").mock(return_value=httpx.Response(200))
            async with anyio.create_task_group() as tasks:
                for name in ("sick", "well", "new"):
                    report = lambda is_ready, name=name: ready.append((name, is_ready))  # noqa: E731
                    tasks.start_soon(watch, Listed(name, f"{name}:80", name), report)
    assert sorted(ready) == [("new", True), ("sick", True), ("well", True)]
    assert sorted(reports.told) == told
