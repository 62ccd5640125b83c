"""Backends named one by one."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from gateway.core.records.listed import Listed
from gateway.discovery.static import StaticBackends, address_of
from tests.doubles.recording_reports import RecordingReports
from tests.doubles.told_watch import ToldWatch
from tests.doubles.virtual_time import virtual_time


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time()


@pytest.mark.anyio
async def test_they_are_listed_once_and_what_is_ready_is_probed() -> None:
    reports, watch = RecordingReports(), ToldWatch()
    source = StaticBackends(["http://10.0.0.1:7860", "http://[::1]"], reports, watch)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(source.run)
        await anyio.wait_all_tasks_blocked()
        assert watch.watched == ["10.0.0.1:7860", "[::1]:80"]
        watch.say("10.0.0.1:7860", ready=True)
        watch.say("10.0.0.1:7860", ready=False)
        tasks.cancel_scope.cancel()
    assert watch.watched == []
    assert reports.told == ["list 10.0.0.1:7860 [::1]:80", "10.0.0.1:7860 ready", "10.0.0.1:7860 starting"]
    assert reports.listing[0] == Listed("10.0.0.1:7860", "10.0.0.1:7860", "10.0.0.1:7860")


@pytest.mark.anyio
async def test_a_name_of_several_pods_is_an_error_that_names_dns() -> None:
    behind: dict[str, list[str]] = {"one": ["10.0.0.1:80"], "sd": ["10.0.0.1:80", "10.0.0.2:80"]}
    asked: list[str] = []

    async def resolve(name: str, port: int) -> list[str]:
        asked.append(name)
        if name not in behind:
            raise OSError("no answer")
        return behind[name]

    urls = ["http://10.0.0.1", "http://[::1]", "http://one", "http://sd", "http://unknown"]
    source = StaticBackends(urls, RecordingReports(), ToldWatch(), resolve=resolve)
    with capture_logs() as lines:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(source.run)
            await anyio.sleep(150)
            behind["sd"] = ["10.0.0.1:80"]
            await anyio.sleep(60)
            behind["sd"] = ["10.0.0.1:80", "10.0.0.2:80"]
            await anyio.sleep(60)
            tasks.cancel_scope.cancel()
    assert set(asked) == {"one", "sd", "unknown"}
    assert [(line["event"], line["log_level"], line["name"]) for line in lines] == [
        ("static_name_has_several_addresses", "error", "sd")
    ] * 2
    assert lines[0]["addresses"] == ["10.0.0.1:80", "10.0.0.2:80"]
    assert "backends.dns" in lines[0]["do"]


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("10.0.0.1:7860", "http://"),
        ("https://sd:7860", "http://"),
        ("http://", "host alone"),
        ("http://user:secret@sd:7860", "host alone"),
        ("http://sd:7860/api", "more than"),
        ("http://sd:99999", "valid port"),
    ],
)
def test_a_url_that_is_no_address(url: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        address_of(url)
