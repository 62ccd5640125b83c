"""What is known of a Knative Service, as a cluster tells it bit by bit."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import pytest

from gateway.demo.knative import objects
from gateway.knative.service_watch import Known, ServiceWatch
from tests.doubles.cluster import a_cluster, soon
from tests.doubles.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.demo.kube_api.store import Store

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def watched() -> AsyncIterator[tuple[Store, list[Known]]]:
    """A cluster, and everything that was known of its Service sd, in order."""
    known: list[Known] = []
    async with a_cluster() as cluster, anyio.create_task_group() as tasks:
        watch = ServiceWatch(cluster.client, "default", "sd", "system", known.append, jitter=soon)
        tasks.start_soon(watch.run)
        await eventually(lambda: cluster.api.count("watch", "revisions"))
        yield cluster.api.store, known
        tasks.cancel_scope.cancel()


async def test_all_that_there_is_comes_together() -> None:
    async with watched() as (store, known):
        store.put("revisions", objects.revision("sd-1", "sd", user_port=7860, concurrency=1, annotations={}))
        store.put("revisions", objects.revision("no-1", "another", user_port=7860, concurrency=1, annotations={}))
        store.put("routes", objects.route("sd", {"sd-1": 100}, {"green": "sd-1"}))
        affinity = "serving.knative.dev.alibabacloud/cookie-name"
        store.put("services", objects.knative_service("sd", {affinity: "mine"}))
        await eventually(
            lambda: known and known[-1].service.cookie == "mine" and known[-1].traffic.shares and known[-1].revisions
        )
        assert known[-1].traffic.shares == {"sd-1": 100}
        assert known[-1].traffic.tags == {"green": "sd-1"}
        assert [(name, each.user_port) for name, each in known[-1].revisions.items()] == [("sd-1", 7860)]


async def test_the_config_map_says_what_revisions_do_not_and_what_of_it_is_nonsense() -> None:
    async with watched() as (store, known):
        store.put("revisions", objects.revision("sd-1", "sd", user_port=7860, concurrency=1, annotations={}))
        await eventually(lambda: known and known[-1].revisions)
        assert known[-1].revisions["sd-1"].autoscaling.target_burst_capacity.value == 211
        data = {"target-burst-capacity": "-1", "stable-window": "long"}
        content = {"apiVersion": "v1", "metadata": {"name": "config-autoscaler"}, "data": data}
        store.put("configmaps", content, namespace="system")
        await eventually(lambda: known[-1].ignored)
        assert known[-1].revisions["sd-1"].autoscaling.target_burst_capacity.value == -1
        assert [each.key for each in known[-1].ignored] == ["stable-window"]


async def test_without_a_route_the_service_says_whose_the_traffic_is_and_what_means_nothing_here_is_no_news() -> None:
    async with watched() as (store, known):
        service = objects.knative_service("sd", {})
        service["status"] = {"traffic": [{"revisionName": "sd-1", "percent": 100}]}
        store.put("services", service)
        await eventually(lambda: known and known[-1].traffic.shares == {"sd-1": 100})
        before = len(known)
        service["status"]["observedGeneration"] = 2
        store.put("services", service)
        store.put("routes", objects.route("sd", {}, {}))  # it has none yet
        store.put("revisions", objects.revision("sd-1", "sd", user_port=7860, concurrency=1, annotations={}))
        await eventually(lambda: known[-1].revisions)
        assert (len(known), known[-1].traffic.shares) == (before + 1, {"sd-1": 100})


async def test_it_says_why_it_may_not_know_any_more() -> None:
    async with a_cluster() as cluster, anyio.create_task_group() as tasks:
        cluster.api.faults.refuse("list", "configmaps", message="may not")
        watch = ServiceWatch(cluster.client, "default", "sd", "system", lambda known: None, jitter=soon)
        tasks.start_soon(watch.run)
        await eventually(lambda: watch.stale)
        assert watch.stale == ["cannot list configmaps in namespace system: 403 may not"]
        cluster.api.faults.allow("list", "configmaps")
        await eventually(lambda: not watch.stale)
        tasks.cancel_scope.cancel()
