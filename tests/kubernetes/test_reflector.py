"""A copy that stays true, whatever happens to the connection, the history or the server."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import structlog

from gateway.kubernetes.collection import Collection, Resource
from gateway.kubernetes.reflector import Reflector
from tests.doubles.cluster import SLICES, Cluster, a_cluster, soon
from tests.doubles.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from gateway.kubernetes.collection import KubeObject

pytestmark = pytest.mark.anyio
SLICES_OF_SD = Collection(
    Resource("discovery.k8s.io", "v1", "endpointslices"), "default", labels="kubernetes.io/service-name=sd"
)


class Copy:
    """A mirror, and what it has told so far: names, in a line for each time."""

    def __init__(self, cluster: Cluster, jitter: Callable[[float], float] = soon, **settings: Any) -> None:
        self.told: list[str] = []
        self.mirror = Reflector(cluster.client, SLICES_OF_SD, self._heard, jitter=jitter, **settings)

    def _heard(self, objects: list[KubeObject]) -> None:
        self.told.append(" ".join(each["metadata"]["name"] for each in objects))

    async def says(self, names: str) -> None:
        """Wait until this is what is there, and known to be."""
        await eventually(lambda: self.told and self.told[-1] == names and self.mirror.status.synced)


@contextlib.asynccontextmanager
async def copied(cluster: Cluster, **settings: Any) -> AsyncIterator[Copy]:
    """Run a mirror until the end of the block."""
    copy = Copy(cluster, **settings)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(copy.mirror.run)
        yield copy
        tasks.cancel_scope.cancel()


async def test_a_list_and_then_each_change() -> None:
    async with a_cluster() as cluster:
        cluster.put_slice("a")
        cluster.put_slice("other", service="other")
        async with copied(cluster) as copy:
            await copy.says("a")
            cluster.put_slice("b")
            await copy.says("a b")
            cluster.put_slice("other", service="other")
            cluster.put_slice("b", port=1)
            cluster.delete_slice("a")
            await copy.says("b")
            assert copy.told == ["a", "a b", "a b", "b"]
            assert cluster.api.count("list", "endpointslices") == 1


async def test_many_pages() -> None:
    async with a_cluster() as cluster:
        cluster.api.faults.page = 2
        for name in "abcde":
            cluster.put_slice(name)
        async with copied(cluster) as copy:
            await copy.says("a b c d e")
            assert cluster.api.count("list", "endpointslices") == 3


async def test_a_dropped_watch_goes_on_where_it_stopped() -> None:
    async with a_cluster() as cluster:
        cluster.put_slice("a")
        async with copied(cluster) as copy:
            await copy.says("a")
            cluster.put_slice("b")
            await copy.says("a b")
            cluster.api.faults.break_watches(after=b'{"type": "DELETED", "obj')
            cluster.delete_slice("a")
            await copy.says("b")
            assert copy.told == ["a", "a b", "b"]
            assert cluster.api.count("list", "endpointslices") == 1


@pytest.mark.parametrize("in_stream", [True, False])
async def test_a_watch_that_finds_its_version_forgotten_lists_at_once(in_stream: bool) -> None:
    async with a_cluster() as cluster:
        cluster.api.faults.gone_in_stream = in_stream
        for name in ("a", "b"):
            cluster.put_slice(name)
        async with copied(cluster, jitter=lambda seconds: seconds * 1000) as copy:
            await copy.says("a b")
            cluster.put_slice("c")
            await copy.says("a b c")
            cluster.delete_slice("a")
            cluster.api.store.forget_history()
            await copy.says("b c")
            assert cluster.api.count("list", "endpointslices") == 2
            assert cluster.api.count("watch", "endpointslices") == (2 if in_stream else 3)


async def test_a_malformed_line_is_a_reason_to_list_again() -> None:
    async with a_cluster() as cluster:
        cluster.put_slice("a")
        async with copied(cluster) as copy:
            await copy.says("a")
            await eventually(lambda: cluster.api.count("watch", "endpointslices"))
            cluster.api.faults.break_watches(after=b'{"type": "ADDED", "object": null}\n')
            await eventually(lambda: copy.told == ["a", "a"])
            await copy.says("a")


async def test_a_watch_that_ends_in_time_goes_on_from_its_last_bookmark() -> None:
    async with a_cluster(bookmark_every=0.01) as cluster:
        cluster.put_slice("a")
        async with copied(cluster, watch_seconds=1) as copy:
            await copy.says("a")
            cluster.put_slice("other", service="other")
            version = str(cluster.api.store.version)
            await eventually(lambda: cluster.api.count("watch", "endpointslices") == 2)
            assert cluster.api.asked[-1].query["resourceVersion"] == version
            cluster.put_slice("b")
            await copy.says("a b")
            assert cluster.api.count("list", "endpointslices") == 1


async def test_a_watch_that_ends_at_once_is_not_begun_in_circles() -> None:
    waits: list[float] = []

    def noted(seconds: float) -> float:
        waits.append(seconds)
        return 0.0

    async with a_cluster() as cluster:
        async with copied(cluster, watch_seconds=0.0, jitter=noted) as copy:
            await eventually(lambda: len(waits) > 3)
        assert waits[:4] == [0, 1, 2, 4]
        assert "ends at once" in str(copy.mirror.status.error)


async def test_a_server_that_is_away_takes_nothing_away() -> None:
    async with a_cluster() as cluster:
        for name in ("a", "b"):
            cluster.put_slice(name)
        async with copied(cluster) as copy:
            await copy.says("a b")
            await cluster.serving.stop()
            await eventually(lambda: not copy.mirror.status.synced)
            assert set(copy.told) == {"a b"}
            cluster.delete_slice("a")
            cluster.api.store.forget_history()
            await cluster.serving.start()
            await copy.says("b")


async def test_too_many_requests_are_waited_out() -> None:
    async with a_cluster() as cluster:
        cluster.api.faults.refuse("list", "endpointslices", 429, retry_after=1)
        async with copied(cluster, jitter=lambda _: 0.0) as copy:
            await eventually(lambda: cluster.api.count("list", "endpointslices"))
            cluster.api.faults.allow("list", "endpointslices")
            await copy.says("")
            assert cluster.api.count("list", "endpointslices") == 2, "not in circles"


async def test_a_missing_right_is_said_once_and_tried_again() -> None:
    with structlog.testing.capture_logs() as logs:
        async with a_cluster() as cluster:
            cluster.api.faults.refuse("watch", "endpointslices", 403, "not for you")
            async with copied(cluster) as copy:
                await eventually(lambda: cluster.api.count("watch", "endpointslices") > 2)
                assert "watch endpointslices.discovery.k8s.io" in (copy.mirror.status.missing_right or "")
                cluster.api.faults.allow("watch", "endpointslices")
                cluster.put_slice("a")
                await copy.says("a")
                assert copy.mirror.status.missing_right is None
                cluster.put_slice("b")
                await copy.says("a b")
    said = [line for line in logs if line["event"] == "kubernetes_stale"]
    assert [line["missing_right"] for line in said] == ["watch endpointslices.discovery.k8s.io"]
    assert said[0]["error"].startswith("cannot watch endpointslices.discovery.k8s.io in namespace default: 403")
    assert logs[-1]["event"] == "kubernetes_synced"


async def test_a_kind_that_is_not_known_yet_is_waited_for() -> None:
    async with a_cluster() as cluster:
        cluster.api.faults.refuse("list", "endpointslices", 404, "the server could not find the requested resource")
        async with copied(cluster) as copy:
            await eventually(lambda: cluster.api.count("list", "endpointslices") > 2)
            assert not copy.told
            cluster.api.faults.allow("list", "endpointslices")
            cluster.put_slice("a")
            await copy.says("a")


async def test_a_token_that_has_expired_is_replaced_by_the_next() -> None:
    tokens = ["old"]
    async with a_cluster(token=lambda: tokens[-1]) as cluster:
        cluster.api.faults.tokens = {"old"}
        cluster.put_slice("a")
        async with copied(cluster) as copy:
            await copy.says("a")
            cluster.api.faults.tokens = {"new"}
            cluster.api.faults.break_watches()
            await eventually(lambda: not copy.mirror.status.synced)
            tokens.append("new")
            cluster.api.store.delete(SLICES, "a")
            await copy.says("")
