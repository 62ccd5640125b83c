"""One watch for each backend that is listed, no more and no longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from gateway.core.records.listed import Listed
from gateway.discovery.watched_listing import WatchedListing
from tests.doubles.recording_reports import RecordingReports
from tests.doubles.told_watch import ToldWatch

if TYPE_CHECKING:
    from collections.abc import Callable


def listed(*names: str) -> list[Listed]:
    """Backends of these names."""
    return [Listed(name, f"{name}:80", name) for name in names]


@pytest.mark.anyio
async def test_watches_follow_the_list() -> None:
    reports, watch = RecordingReports(), ToldWatch()
    async with anyio.create_task_group() as tasks:
        listing = WatchedListing(tasks, reports, watch)
        for names in (["a", "b"], ["b", "c"], [], ["a"]):
            listing.replace(listed(*names))
            await anyio.wait_all_tasks_blocked()
            assert watch.watched == names
        listing.replace([])
    assert reports.told == ["list a b", "list b c", "list", "list a", "list"]


@pytest.mark.anyio
async def test_who_has_moved_is_watched_where_it_is() -> None:
    watched = []

    async def watch(backend: Listed, report: Callable[[bool], None]) -> None:
        watched.append(backend.address)
        await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        listing = WatchedListing(tasks, RecordingReports(), watch)
        for port in (80, 80, 81):
            listing.replace([Listed("a", f"a:{port}", "a")])
            await anyio.wait_all_tasks_blocked()
        listing.replace([])
    assert watched == ["a:80", "a:81"]
