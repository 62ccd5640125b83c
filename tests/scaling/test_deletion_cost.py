"""What it costs to lose a pod, and how seldom that is written."""

from __future__ import annotations

import math

import anyio
import pytest
import structlog

from gateway.core.records.backends_and_tickets import Backend
from gateway.core.records.quarantine import Quarantine
from gateway.demo.kube_api.store import Kind
from gateway.scaling.deletion_cost import ANNOTATION, RESTED, DeletionCosts, PodCost, costs_of, deletion_cost
from tests.doubles.cluster import Cluster, a_cluster
from tests.doubles.eventually import eventually

PODS = Kind("v1", "pods")


def backend(identity: str, address: str = "10.0.0.1:80", *, sessions: int = 0, quarantined: bool = False) -> Backend:
    found = Backend(identity, address, f"pod-{identity}", limit=1, order=1, sessions=sessions)
    if quarantined:
        found.quarantines.append(Quarantine(0.0, 1.0, "why"))
    return found


def test_work_outweighs_all_sessions_and_the_sum_is_an_int32() -> None:
    assert deletion_cost(0, 0) == 0
    assert deletion_cost(1, 0) > deletion_cost(0, 10**9)
    assert deletion_cost(10**9, 10**9) < 2**31
    assert deletion_cost(0, 1) > deletion_cost(0, 0)


def test_one_session_more_among_many_is_no_change() -> None:
    assert deletion_cost(0, 40) == deletion_cost(0, 41) == 32
    assert [deletion_cost(0, sessions) for sessions in range(5)] == [0, 1, 2, 2, 4]


def test_costs_of_pods_alone() -> None:
    gone, bare = backend("gone"), backend("10.0.0.1:80")
    gone.listed = False
    pods = [backend("a", sessions=1), backend("b", quarantined=True), gone, bare]
    assert costs_of(pods, 7.0) == [PodCost("a", "pod-a", 1, 7.0), PodCost("b", "pod-b", 1_000_000, 7.0)]


class Pods:
    """Some that exist, what they cost, and who writes that."""

    def __init__(self, cluster: Cluster, count: int) -> None:
        self.cluster = cluster
        self.costs: dict[str, int] = {}
        self.rested: dict[str, float] = {}
        self.uids: dict[str, str] = {}
        for name in [f"pod-{number:02}" for number in range(count)]:
            content = cluster.api.store.put("pods", {"apiVersion": "v1", "metadata": {"name": name}})
            self.uids[name], self.costs[name] = content["metadata"]["uid"], 0
        self.writer = DeletionCosts(cluster.client, "default", self._costs)

    def _costs(self) -> list[PodCost]:
        return [
            PodCost(self.uids[name], name, cost, self.rested.get(name, math.inf)) for name, cost in self.costs.items()
        ]

    @property
    def written(self) -> dict[str, str]:
        """What is there now, by name."""
        found = self.cluster.api.store.all(PODS, "default")
        return {each["metadata"]["name"]: each["metadata"].get("annotations", {}).get(ANNOTATION, "") for each in found}

    @property
    def patches(self) -> list[str]:
        """Names, in order."""
        return [each.name for each in self.cluster.api.asked if each.verb == "patch"]


@pytest.mark.anyio
async def test_only_changes_are_written() -> None:
    async with a_cluster() as cluster:
        pods = Pods(cluster, 2)
        await pods.writer.write_all()
        assert pods.written == {"pod-00": "0", "pod-01": "0"}, "one of a former gateway may have been there"
        pods.costs["pod-01"] = 5
        for _ in range(2):
            await pods.writer.write_all()
        assert pods.written == {"pod-00": "0", "pod-01": "5"}
        assert len(pods.patches) == 3


@pytest.mark.anyio
async def test_the_largest_change_first_and_not_all_at_once() -> None:
    async with a_cluster() as cluster:
        pods = Pods(cluster, 12)
        pods.costs.update({"pod-05": 7, "pod-11": 1_000_000})
        await pods.writer.write_some()
        assert (len(pods.patches), pods.patches[:2]) == (10, ["pod-11", "pod-05"])
        await pods.writer.write_some()
        assert len(pods.patches) == 12


@pytest.mark.anyio
async def test_one_that_has_gone_or_is_another_by_now_is_passed_over() -> None:
    async with a_cluster() as cluster:
        pods = Pods(cluster, 3)
        cluster.api.store.delete(PODS, "pod-00")
        pods.uids["pod-01"] = "another"
        await pods.writer.write_all()
        assert pods.written == {"pod-01": "", "pod-02": "0"}


@pytest.mark.anyio
async def test_without_the_right_nothing_is_tried_for_a_while() -> None:
    with structlog.testing.capture_logs() as logs:
        async with a_cluster() as cluster:
            pods = Pods(cluster, 3)
            cluster.api.faults.refuse("patch", "pods", 403)
            for _ in range(3):
                await pods.writer.write_all()
            assert len(pods.patches) == 1
    assert [line["missing_right"] for line in logs if line["event"] == "deletion_cost_fails"] == ["patch pods"]


@pytest.mark.anyio
async def test_while_the_server_is_troubled_it_is_left_alone_until_the_next_time() -> None:
    async with a_cluster() as cluster:
        pods = Pods(cluster, 3)
        cluster.api.faults.refuse("patch", "pods", 500)
        await pods.writer.write_all()
        assert len(pods.patches) == 1
        cluster.api.faults.allow("patch", "pods")
        await pods.writer.write_all()
        assert set(pods.written.values()) == {"0"}


@pytest.mark.anyio
async def test_a_pod_whose_turn_begins_is_dear_at_once_and_cheap_when_it_has_rested() -> None:
    async with a_cluster() as cluster, anyio.create_task_group() as tasks:
        pods = Pods(cluster, 2)
        tasks.start_soon(pods.writer.run)
        await eventually(lambda: pods.written == {"pod-00": "0", "pod-01": "0"})
        pods.costs["pod-01"] = 1_000_000
        pods.writer.began(pods.uids["pod-01"])
        await eventually(lambda: pods.written["pod-01"] == "1000000")
        tasks.cancel_scope.cancel()
        pods.costs["pod-01"], pods.rested["pod-01"] = 0, RESTED - 1
        await pods.writer.write_some()
        assert pods.written["pod-01"] == "1000000", "another job may begin in a moment"
        pods.rested["pod-01"] = RESTED
        await pods.writer.write_some()
        assert pods.written["pod-01"] == "0"


@pytest.mark.anyio
async def test_one_that_is_dear_already_is_not_written_to_at_each_turn() -> None:
    async with a_cluster() as cluster, anyio.create_task_group() as tasks:
        pods = Pods(cluster, 1)
        pods.costs["pod-00"] = 1_000_000
        tasks.start_soon(pods.writer.run)
        await eventually(lambda: pods.written == {"pod-00": "1000000"})
        for _ in range(3):
            pods.writer.began(pods.uids["pod-00"])
            await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
        assert pods.patches == ["pod-00"]


@pytest.mark.anyio
async def test_what_was_written_is_taken_back_in_the_end() -> None:
    async with a_cluster() as cluster:
        pods = Pods(cluster, 4)
        pods.costs.update({"pod-01": 4, "pod-02": 1_000_000, "pod-03": 2})
        await pods.writer.write_all()
        del pods.costs["pod-03"]  # it has left
        await pods.writer.take_back()
        assert pods.written == {"pod-00": "0", "pod-01": "", "pod-02": "", "pod-03": "2"}
        await pods.writer.take_back()
        assert len(pods.patches) == 6


@pytest.mark.anyio
async def test_where_that_is_not_possible_it_stays() -> None:
    async with a_cluster() as cluster:
        pods = Pods(cluster, 2)
        pods.costs.update({"pod-00": 4, "pod-01": 4})
        await pods.writer.write_all()
        cluster.api.faults.refuse("patch", "pods", 403)
        await pods.writer.take_back()
        await pods.writer.take_back()
        assert (len(pods.patches), set(pods.written.values())) == (3, {"4"})
