"""Pods behind a Service, as the pool hears of them: against the stand-in for an API server, on a real port."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import structlog

from gateway.discovery.departures import Departures
from gateway.discovery.endpoint_slices import EndpointSliceBackends, ServicePort
from tests.doubles.cluster import Cluster, a_cluster, endpoint, soon
from tests.doubles.eventually import eventually
from tests.doubles.recording_reports import RecordingReports
from tests.doubles.told_watch import ToldWatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio


class Story:
    """A source at work, what it tells, and what its probes are told to find."""

    def __init__(self, cluster: Cluster, **settings: Any) -> None:
        self.cluster = cluster
        self.reports = RecordingReports()
        self.watch = ToldWatch()
        departures = Departures(self.reports, lambda address: self.reports.told.append(f"left {address}"))
        where = ServicePort("default", "sd", "http")
        self.source = EndpointSliceBackends(cluster.client, where, departures, self.watch, jitter=soon, **settings)

    async def tells(self, *lines: str) -> None:
        """Wait until it has told this, and nothing else, since the last time."""
        await eventually(lambda: len(self.reports.told) >= len(lines), told=lambda: str(self.reports.told))
        await anyio.wait_all_tasks_blocked()
        assert self.reports.since_last_look() == list(lines)

    async def probed(self, identity: str, *, ready: bool = True) -> None:
        """A probe has found this out."""
        await eventually(lambda: identity in self.watch.watched)
        self.watch.say(identity, ready=ready)


@contextlib.asynccontextmanager
async def a_story(**settings: Any) -> AsyncIterator[Story]:
    async with a_cluster() as cluster, anyio.create_task_group() as tasks:
        story = Story(cluster, **settings)
        tasks.start_soon(story.source.run)
        yield story
        tasks.cancel_scope.cancel()


async def test_nobody_and_then_somebody() -> None:
    async with a_story() as story:
        await story.tells("list")
        story.cluster.put_slice("a", endpoint("1", "10.0.0.1", ready=False))
        await story.tells("list pod-1")
        await story.probed("1")
        await story.tells("1 ready")
        await story.probed("1", ready=False)
        await story.tells("1 starting")
        story.cluster.put_slice("a", endpoint("1", "10.0.0.1"), endpoint("2", "10.0.0.2"))
        await story.tells("list pod-1 pod-2")
        assert story.source.status.synced


async def test_several_slices_are_one_list() -> None:
    async with a_story() as story:
        await story.tells("list")
        story.cluster.put_slice("a", endpoint("1", "10.0.0.1"), endpoint("2", "10.0.0.2"))
        await story.tells("list pod-1 pod-2")
        story.cluster.put_slice("b", endpoint("2", "10.0.0.2"), endpoint("3", "10.0.0.3"))
        await story.tells("list pod-1 pod-2 pod-3")
        story.cluster.put_slice("a", endpoint("1", "10.0.0.1"))
        await story.tells("list pod-1 pod-2 pod-3")
        story.cluster.delete_slice("b")
        await story.tells("left 10.0.0.2:7860", "left 10.0.0.3:7860", "list pod-1")


async def test_one_that_terminates_gets_nothing_more_and_is_gone_later() -> None:
    async with a_story() as story:
        await story.tells("list")
        story.cluster.put_slice("a", endpoint("1", "10.0.0.1"), endpoint("2", "10.0.0.2"))
        await story.tells("list pod-1 pod-2")
        await story.probed("1")
        await story.tells("1 ready")
        ending = endpoint("1", "10.0.0.1", ready=False, serving=True, terminating=True)
        story.cluster.put_slice("a", ending, endpoint("2", "10.0.0.2"))
        await story.tells("1 draining", "list pod-1 pod-2")
        await story.probed("1", ready=False)
        assert story.watch.watched == ["1", "2"], "until it is gone: its quarantines may end"
        story.cluster.put_slice("a", endpoint("2", "10.0.0.2"))
        await story.tells("left 10.0.0.1:7860", "list pod-2")
        assert story.watch.watched == ["2"]


async def test_one_that_terminates_when_we_first_see_it() -> None:
    async with a_story() as story:
        await story.tells("list")
        story.cluster.put_slice("a", endpoint("1", "10.0.0.1", terminating=True))
        await story.tells("list pod-1", "1 draining")


async def test_the_last_one_may_end_in_good_order() -> None:
    """Scaled to zero: nothing is suspicious about an empty list after that."""
    async with a_story() as story:
        await story.tells("list")
        story.cluster.put_slice("a", endpoint("1", "10.0.0.1"))
        await story.tells("list pod-1")
        await story.probed("1")
        await story.tells("1 ready")
        story.cluster.put_slice("a", endpoint("1", "10.0.0.1", terminating=True))
        await story.tells("1 draining", "list pod-1")
        story.cluster.put_slice("a")
        await story.tells("left 10.0.0.1:7860", "list")


async def test_another_pod_at_the_same_address() -> None:
    async with a_story() as story:
        await story.tells("list")
        story.cluster.put_slice("a", endpoint("1", "10.0.0.1"))
        await story.tells("list pod-1")
        await story.probed("1")
        await story.tells("1 ready")
        story.cluster.put_slice("a", endpoint("2", "10.0.0.1"))
        await story.tells("left 10.0.0.1:7860", "list pod-2")
        await story.probed("2")
        await story.tells("2 ready")


async def test_a_pod_that_listens_elsewhere_is_probed_anew() -> None:
    async with a_story() as story:
        await story.tells("list")
        story.cluster.put_slice("a", endpoint("1", "10.0.0.1"))
        await story.tells("list pod-1")
        await story.probed("1")
        await story.tells("1 ready")
        story.cluster.put_slice("a", endpoint("1", "10.0.0.1"), port=7861)
        await story.tells("1 starting", "left 10.0.0.1:7860", "list pod-1")
        await story.probed("1")
        await story.tells("1 ready")


async def two_that_serve(story: Story) -> None:
    """And a third that does not."""
    await story.tells("list")
    story.cluster.put_slice("a", *(endpoint(uid, f"10.0.0.{uid}") for uid in "123"))
    await story.tells("list pod-1 pod-2 pod-3")
    for uid in "12":
        await story.probed(uid)
        await story.tells(f"{uid} ready")
    story.cluster.delete_slice("a")
    await story.tells("left 10.0.0.3:7860", "list pod-1 pod-2")


async def test_if_all_vanish_at_once_those_that_serve_stay_until_their_probes_fail() -> None:
    async with a_story() as story:
        await two_that_serve(story)
        await story.probed("1", ready=False)
        await story.tells("1 starting", "left 10.0.0.1:7860", "list pod-2")
        story.cluster.put_slice("a")
        await anyio.wait_all_tasks_blocked()
        assert story.reports.since_last_look() == [], "empty is not more empty the second time"
        await story.probed("2", ready=False)
        await story.tells("2 starting", "left 10.0.0.2:7860", "list")


async def test_if_they_come_back_nothing_has_happened() -> None:
    async with a_story() as story:
        await two_that_serve(story)
        story.cluster.put_slice("a", *(endpoint(uid, f"10.0.0.{uid}") for uid in "12"))
        await story.tells("list pod-1 pod-2")
        await story.probed("1", ready=False)
        await story.tells("1 starting")


async def test_they_do_not_stay_for_ever() -> None:
    async with a_story(grace=0.05) as story:
        await two_that_serve(story)
        await story.tells("left 10.0.0.1:7860", "left 10.0.0.2:7860", "list")


async def test_an_outage_takes_nobody_away_and_what_was_deleted_meanwhile_is_gone_after_it() -> None:
    async with a_story() as story:
        await story.tells("list")
        story.cluster.put_slice("a", endpoint("1", "10.0.0.1"))
        story.cluster.put_slice("b", endpoint("2", "10.0.0.2"))
        await eventually(lambda: story.reports.told[-1:] == ["list pod-1 pod-2"])
        story.reports.since_last_look()
        assert story.source.stale is None
        await story.cluster.serving.stop()
        await eventually(lambda: story.source.stale is not None)
        assert not story.source.status.synced
        assert story.watch.watched == ["1", "2"]
        story.cluster.delete_slice("a")
        story.cluster.api.store.forget_history()
        await story.cluster.serving.start()
        await eventually(lambda: story.reports.told[-1:] == ["list pod-2"])
        assert story.watch.watched == ["2"]


async def test_a_pod_that_calls_itself_not_ready_may_be_believed() -> None:
    async with a_story(believe_unready=True) as story:
        await story.tells("list")
        story.cluster.put_slice("a", endpoint("1", "10.0.0.1", ready=False))
        await story.tells("list pod-1")
        await story.probed("1")
        await story.tells("1 starting")
        story.cluster.put_slice("a", endpoint("1", "10.0.0.1", ready=True))
        await story.tells("1 ready", "list pod-1")


async def test_a_port_that_does_not_exist_is_named_once() -> None:
    with structlog.testing.capture_logs() as logs:
        async with a_cluster() as cluster, anyio.create_task_group() as tasks:
            reports = RecordingReports()
            where = ServicePort("default", "sd", "web")
            tasks.start_soon(EndpointSliceBackends(cluster.client, where, reports, ToldWatch()).run)
            for uid in "12":
                cluster.put_slice("a", endpoint(uid, "10.0.0.1"))
                await eventually(lambda: reports.since_last_look())
            tasks.cancel_scope.cancel()
    said = [(line["port"], line["has"]) for line in logs if line["event"] == "service_without_port"]
    assert said == [("web", ["http"])]


async def test_a_pod_that_came_under_our_eyes_and_was_not_ready_is_fresh() -> None:
    """It has done nothing for anybody. One of the first list may work for the gateway before this one."""
    async with a_story() as story:
        story.cluster.put_slice("a", endpoint("1", "10.0.0.1", ready=False))
        await story.tells("list pod-1")
        story.cluster.put_slice(
            "a", endpoint("1", "10.0.0.1"), endpoint("2", "10.0.0.2", ready=False), endpoint("3", "10.0.0.3")
        )
        await story.tells("list pod-1 pod-2 pod-3")
        assert [backend.name for backend in story.reports.listing if backend.fresh] == ["pod-2"]
        story.cluster.put_slice("a", endpoint("2", "10.0.0.2"))
        await story.tells("left 10.0.0.1:7860", "left 10.0.0.3:7860", "list pod-2")
        story.cluster.put_slice("a", endpoint("1", "10.0.0.1", ready=False), endpoint("2", "10.0.0.2"))
        await story.tells("list pod-1 pod-2")
        assert [backend.name for backend in story.reports.listing if backend.fresh] == ["pod-2"], (
            "pod-1 was here before"
        )
