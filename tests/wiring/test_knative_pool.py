"""Which pools a Knative Service makes, and when it is not believed that it makes none."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from structlog.testing import capture_logs

from gateway.demo.knative import objects
from gateway.settings.model import PoolSettings
from gateway.wiring.knative_pool import KnativePool
from tests.doubles.cluster import a_cluster
from tests.doubles.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.demo.kube_api.store import Store

pytestmark = pytest.mark.anyio


def settings(service: str = "sd", **changed: Any) -> PoolSettings:
    backends = {"knative": {"namespace": "default", "service": service}}
    return PoolSettings.model_validate({"backends": backends, **changed})


class Story:
    """A pool, its cluster, and whether pods of its answer."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.pool: KnativePool | None = None
        self.is_serving = True
        self.plans = 0

    @property
    def revisions(self) -> list[str]:
        """Those of the plan."""
        assert self.pool is not None
        return sorted(self.pool.plan.revisions) if self.pool.plan is not None else []

    def planned(self) -> None:
        self.plans += 1

    def revision(self, name: str, port_name: str = "http1", service: str = "sd") -> None:
        content = objects.revision(name, service, user_port=7860, concurrency=1, annotations={})
        content["spec"]["containers"][0]["ports"][0]["name"] = port_name
        self.store.put("revisions", content)

    def traffic(self, service: str = "sd", **percents: int) -> None:
        self.store.put("routes", objects.route(service, percents, {}))


@asynccontextmanager
async def story(**changed: Any) -> AsyncIterator[Story]:
    async with a_cluster() as cluster, anyio.create_task_group() as tasks:
        one = Story(cluster.api.store)
        one.pool = KnativePool(
            "sd", settings(**changed), cluster.client, on_plan=one.planned, is_serving=lambda: one.is_serving
        )
        tasks.start_soon(one.pool.run)
        one.revision("a")
        one.traffic(a=100)
        await eventually(lambda: one.revisions == ["a"])
        yield one
        one.pool.close()


async def test_revisions_in_traffic_are_planned_as_soon_as_they_are_seen() -> None:
    async with story() as one:
        one.traffic(a=50, b=50)
        one.revision("b")
        await eventually(lambda: one.revisions == ["a", "b"])
        one.traffic(b=100)
        await eventually(lambda: one.revisions == ["b"])


async def test_all_that_vanish_at_once_are_kept_while_their_pods_answer() -> None:
    async with story() as one:
        with capture_logs() as events:
            one.store.delete(objects.ROUTES, "sd")
            await eventually(lambda: [e for e in events if e["event"] == "revisions_vanished"])
        assert one.revisions == ["a"]
        one.is_serving = False
        await eventually(lambda: one.revisions == [])


async def test_what_is_in_traffic_and_not_listed_is_only_not_seen() -> None:
    async with story() as one:
        plans = one.plans
        one.store.delete(objects.REVISIONS, "a")
        await eventually(lambda: one.plans > plans)
        assert one.revisions == ["a"]


async def test_a_revision_that_speaks_what_we_do_not_is_named_once_and_left_out() -> None:
    async with story() as one:
        with capture_logs() as events:
            one.traffic(a=50, b=50)
            one.revision("b", "h2c")
            assert one.pool is not None
            await eventually(lambda: one.pool.plan.warnings)  # type: ignore[union-attr]
            one.traffic(a=40, b=60)
            await eventually(lambda: one.pool.plan.traffic.shares["b"] == 60)  # type: ignore[union-attr]
        assert one.revisions == ["a"]
        assert sum(event["event"] == "knative_misfit" for event in events) == 1


async def test_the_file_may_change_its_mind_about_values_and_about_the_service() -> None:
    async with story() as one:
        assert one.pool is not None
        assert one.pool.plan is not None
        one.pool.reload(settings(concurrency=3))
        assert one.pool.plan.revisions["a"].settings.concurrency == 3
        one.revision("c", service="other")
        one.traffic("other", c=100)
        one.pool.reload(settings("other"))
        await eventually(lambda: one.revisions == ["c"])
