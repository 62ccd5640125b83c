"""In front of a Knative Service, over real sockets: a gateway as it is run, and a pretended cluster around it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from gateway.demo.knative.objects import PODS
from gateway.probing.draining import KEEP_EVERY
from gateway.scaling.deletion_cost import ANNOTATION
from tests.doubles.eventually import eventually
from tests.system.knative_gateway import InCluster, in_cluster, pool, pool_of, sections
from tests.system.running_gateway import configuration, write_config

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

#: Answered at once; counted like everything else.
LIGHT = "/light"


async def test_from_zero_the_autoscaler_hears_at_once_and_the_request_is_served(tmp_path: Path) -> None:
    async with in_cluster(tmp_path) as one:
        await one.gateway.until(lambda view: view["name"], pool=pool_of("a"))
        asked = one.ask()
        await eventually(lambda: one.containers)
        _, first = one.cluster.autoscaler.received[0]
        assert (first.namespace, first.name) == ("default", "a")
        assert first.stat is not None
        assert (first.stat.average_concurrent_requests, first.stat.request_count, first.stat.timestamp) == (1, 0, 0)

        (container,) = one.containers
        await container.came(1)
        container.finish()
        answer = await asked.answer()
        assert (answer.status_code, answer.headers["x-backend"]) == (200, "a-pod-1")
        assert "k-proxy-request" not in container.seen[0]
        assert await one.gateway.total("gateway_autoscaler_link_up") == 1
        assert await one.gateway.total("activator_request_count", revision_name="a", response_code="200") == 1


async def test_a_service_that_does_not_exist_yet_is_waited_for(tmp_path: Path) -> None:
    async with in_cluster(tmp_path, revisions=()) as one:
        asked = [one.ask(LIGHT) for _ in range(3)]
        await one.gateway.until(lambda view: view["line"]["waiting_exempt"] == 3)
        assert (await one.gateway.ask("/readyz")).status_code == 200
        one.cluster.put_service()
        one.cluster.put_revision("a")
        one.cluster.put_traffic({"a": 100})
        assert [(await each.answer()).status_code for each in asked] == [200] * 3


async def test_traffic_is_split_and_a_session_stays_on_its_revision(tmp_path: Path) -> None:
    async with in_cluster(tmp_path, revisions=("a", "b")) as one:
        one.cluster.put_traffic({"a": 50, "b": 50}, tags={"green": "b"})
        one.cluster.scale("a", 1)
        one.cluster.scale("b", 1)
        await one.ready("a", 1)
        await one.ready("b", 1)

        async def served_by(client: httpx.AsyncClient, **headers: str) -> str:
            answer = await client.post(one.gateway.url + LIGHT, headers=headers)
            assert answer.status_code == 200
            return str(answer.headers["x-backend"])[:1]

        async def newcomer(**headers: str) -> str:
            async with httpx.AsyncClient(trust_env=False) as stranger:
                return await served_by(stranger, **headers)

        assert {await newcomer() for _ in range(30)} == {"a", "b"}  # all on one side: once in a billion
        home = await served_by(one.client)  # which keeps its cookies
        other = {"a": "b", "b": "a"}[home]
        one.cluster.put_traffic({home: 0, other: 100}, tags={"green": "b"})
        await one.gateway.until(lambda view: view["knative"]["share"] == 0, pool=pool_of(home))
        assert [await served_by(one.client) for _ in range(5)] == [home] * 5
        assert [await newcomer() for _ in range(5)] == [other] * 5
        assert await newcomer(host="green-sd.default.example.com") == "b"
        assert await newcomer(**{"knative-serving-tag": "green"}) == "b"  # the peer is trusted


async def test_a_new_revision_takes_over_and_no_request_is_lost(tmp_path: Path) -> None:
    async with in_cluster(tmp_path) as one:
        one.cluster.scale("a", 2)
        await one.ready("a", 2)
        slow = one.ask()
        await eventually(lambda: any(container.at_work for container in one.containers))
        answers: list[int] = []

        async def press() -> None:
            while True:
                one.client.cookies.clear()  # a newcomer each time: a session stays on its revision
                answers.append((await one.client.post(one.gateway.url + LIGHT)).status_code)

        async with anyio.create_task_group() as clients:
            for _ in range(4):
                clients.start_soon(press)
            one.cluster.put_revision("b")
            one.cluster.put_traffic({"a": 50, "b": 50})
            await eventually(lambda: len(one.cluster.working("b")) == 1)  # as the autoscaler was told
            one.cluster.put_traffic({"b": 100})
            one.cluster.scale("a", 0)
            await one.gateway.until(lambda view: view["name"] and "knative" not in view, pool=pool_of("a"))
            before = len(answers)
            await eventually(lambda: len(answers) > before + 20)
            clients.cancel_scope.cancel()
        for container in one.containers:
            container.finish()
        assert (await slow.answer()).status_code == 200
        await one.gateway.until(lambda view: view["name"] is None, pool=pool_of("a"))
        assert set(answers) == {200}


async def test_a_revision_without_traffic_leaves_no_costs_on_its_pods(tmp_path: Path) -> None:
    def costs(one: InCluster) -> dict[str, str]:
        pods = one.cluster.api.store.all(PODS, "default")
        return {each["metadata"]["name"]: each["metadata"].get("annotations", {}).get(ANNOTATION, "") for each in pods}

    async with in_cluster(tmp_path, revisions=("a", "b")) as one:
        one.cluster.scale("a", 1)
        await one.ready("a", 1)
        slow = one.ask()
        (container,) = one.containers
        await container.came(1)
        await eventually(lambda: costs(one)["a-pod-1"] == "1000000")
        one.cluster.put_traffic({"b": 100})
        container.finish()
        assert (await slow.answer()).status_code == 200
        await eventually(lambda: costs(one)["a-pod-1"] == "")


async def test_an_idle_pod_that_is_told_to_end_is_no_warning(tmp_path: Path) -> None:
    async with in_cluster(tmp_path) as one:
        one.cluster.idle_quiet = 5.0
        one.cluster.scale("a", 1)
        await one.ready("a", 1)
        one.cluster.scale("a", 0)
        await eventually(lambda: one.cluster.pods("a") == [])
        assert one.gateway.events("backend_not_ready") == []


async def test_a_pod_that_ends_finishes_what_it_has_and_gets_no_more(tmp_path: Path) -> None:
    async with in_cluster(tmp_path) as one:
        one.cluster.scale("a", 1)
        await one.ready("a", 1)
        slow = one.ask()
        (container,) = one.containers
        await container.came(1)
        (pod,) = one.cluster.pods("a")
        pod.end()
        await one.gateway.until(lambda view: [b["state"] for b in view["backends"]] == ["draining"], pool=pool_of("a"))
        assert (await one.ask(LIGHT).answer()).headers["x-backend"] == "a-pod-2"
        container.finish()
        answer = await slow.answer()
        assert (answer.status_code, answer.headers["x-backend"]) == (200, "a-pod-1")
        await one.gateway.until(lambda view: [b["name"] for b in view["backends"]] == ["a-pod-2"], pool=pool_of("a"))


async def test_whoever_has_the_address_afterwards_is_another_pod(tmp_path: Path) -> None:
    async with in_cluster(tmp_path) as one:
        one.cluster.scale("a", 1)
        (before,) = await one.ready("a", 1)
        assert (await one.ask(LIGHT).answer()).headers["x-backend"] == "a-pod-1"
        broken = one.ask()
        await one.containers[0].came(2)
        one.cluster.pods("a")[0].kill()
        assert (await broken.answer()).status_code == 502
        await eventually(lambda: not one.cluster.pods("a"))
        assert (await one.ask(LIGHT).answer()).headers["x-backend"] == "a-pod-2"
        (after,) = await one.ready("a", 1)
        assert (after["address"], after["quarantined"]) == (before["address"], 0)
        assert after["identity"] != before["identity"]
        assert (await one.gateway.snapshot(pool_of("a")))["counts"]["affinity_moves"] == 1


async def test_while_the_api_server_is_away_everybody_is_served(tmp_path: Path) -> None:
    async with in_cluster(tmp_path) as one:
        one.cluster.scale("a", 2)
        await one.ready("a", 2)
        assert one.cluster.serving is not None
        await one.cluster.serving.stop()
        await one.gateway.event("kubernetes_stale")
        assert [(await one.ask(LIGHT).answer()).status_code for _ in range(10)] == [200] * 10
        gone, _ = one.cluster.pods("a")
        gone.kill()  # and nobody says so
        await eventually(lambda: len(one.cluster.pods("a")) == 1)
        assert [(await one.ask(LIGHT).answer()).status_code for _ in range(10)] == [200] * 10
        one.cluster.scale("a", 2)
        await one.cluster.serving.start()
        await one.ready("a", 2)


async def test_an_autoscaler_that_restarts_is_found_again(tmp_path: Path) -> None:
    async with in_cluster(tmp_path) as one:
        autoscaler = one.cluster.autoscaler
        await one.gateway.until(lambda view: view["name"], pool=pool_of("a"))
        await autoscaler.stop()
        await one.gateway.event("autoscaler_link_lost")
        assert await one.gateway.total("gateway_autoscaler_link_up") == 0
        assert (await one.gateway.ask("/readyz")).text == "serving\n"  # the pods' own proxies are scraped
        asked = one.ask(LIGHT)
        await one.gateway.until(lambda view: view["line"]["waiting"] == 1, pool=pool_of("a"))
        autoscaler.received.clear()
        await autoscaler.start()
        assert (await asked.answer()).status_code == 200  # for the next report started a pod


async def test_who_alone_reports_pods_says_that_nobody_hears_it(tmp_path: Path) -> None:
    proxied = {"autoscaling.knative.dev/target-burst-capacity": "-1", "autoscaling.knative.dev/window": "6s"}
    async with in_cluster(tmp_path) as one:
        one.cluster.put_revision("a", proxied)
        await one.gateway.until(lambda view: view.get("knative", {}).get("accounting") == "proxied", pool=pool_of("a"))
        assert (await one.ask(LIGHT).answer()).status_code == 200
        assert one.containers[0].seen[0]["k-proxy-request"] == "activator"
        await one.cluster.autoscaler.stop()
        degraded = "degraded: the autoscaler does not hear of sd/a\n"
        while (said := await one.gateway.ask("/readyz")).text != degraded:
            assert said.status_code == 200
        assert (await one.ask(LIGHT).answer()).status_code == 200


async def test_a_missing_right_is_named_and_missed_until_it_is_there(tmp_path: Path) -> None:
    async with in_cluster(tmp_path, revisions=()) as one:
        await eventually(lambda: one.cluster.api.count("watch", "revisions"))
        one.cluster.api.faults.refuse("list", "revisions", message="may not")
        one.cluster.api.faults.break_watches()
        one.cluster.api.store.forget_history()
        right = "list revisions.serving.knative.dev"  # the broken watches are told of, too, perhaps before
        await eventually(lambda: right in [event["missing_right"] for event in one.gateway.events("kubernetes_stale")])
        await one.gateway.until(lambda view: [why for why in view["stale"] if right in why])
        asked = one.ask(LIGHT)
        one.cluster.put_service()
        one.cluster.put_revision("a")
        one.cluster.put_traffic({"a": 100})
        await one.gateway.until(lambda view: view["line"]["waiting_exempt"] == 1)
        one.cluster.api.faults.allow("list", "revisions")
        assert (await asked.answer()).status_code == 200


async def test_annotations_come_into_force_and_nonsense_is_named(tmp_path: Path) -> None:
    async with in_cluster(tmp_path, affinity={"when_busy": "spill"}) as one:
        one.cluster.scale("a", 1)
        await one.ready("a", 1)
        slow = one.ask()
        await one.containers[0].came(1)
        one.cluster.put_service(
            {
                "serving.knative.dev.alibabacloud/affinity": "cookie",
                "serving.knative.dev.alibabacloud/cookie-name": "mine",
                "serving.knative.dev.alibabacloud/cookie-timeout": "soon",
            }
        )
        view = await one.gateway.until(_calls_its_cookie_mine, pool=pool_of("a"))
        values = view["knative"]["values"]
        assert values["affinity.cookie"] == {"value": "mine", "from": "service annotation"}
        assert values["affinity.ttl"] == {"value": 1800, "from": "default"}
        assert values["concurrency"] == {"value": 1, "from": "revision"}
        assert '"soon"' in (await one.gateway.event("knative_misfit"))["what"]
        assert await one.gateway.total("gateway_knative_misfits", pool="sd") == 1
        one.containers[0].finish()
        assert (await slow.answer()).status_code == 200
        assert (await one.ask(LIGHT).answer()).headers["set-cookie"].startswith("mine=")


def _calls_its_cookie_mine(view: dict[str, Any]) -> bool:
    return bool(view["knative"]["values"]["affinity.cookie"]["value"] == "mine")


@pytest.mark.parametrize("way", ["user-port", "kubelet-probe"])
async def test_what_takes_no_slot_does_not_wait_behind_what_does(tmp_path: Path, way: str) -> None:
    rules = [{"match": f"GET {LIGHT}", "lane": "exempt"}]
    async with in_cluster(tmp_path, knative={"exempt_via": way}, rules=rules) as one:
        one.cluster.scale("a", 1)
        await one.ready("a", 1)
        slow = one.ask()
        (container,) = one.containers
        await container.came(1)
        assert (await one.client.get(one.gateway.url + LIGHT)).status_code == 200
        assert container.most_at_once == 2
        container.finish()
        assert (await slow.answer()).status_code == 200


async def test_the_file_is_read_again_and_no_request_notices(tmp_path: Path) -> None:
    rules = [{"match": f"GET {LIGHT}", "lane": "exempt"}]
    async with in_cluster(tmp_path, rules=rules) as one:
        one.cluster.scale("a", 1)
        await one.ready("a", 1)
        slow, behind = one.ask(), one.ask()
        (container,) = one.containers
        await container.came(1)
        await one.gateway.until(lambda view: view["line"]["waiting"] == 1, pool=pool_of("a"))
        changed = pool(one.cluster, rules=rules, knative={"exempt_via": "kubelet-probe"}, queue={"limit": 7})
        write_config(tmp_path, configuration(changed, **sections(tmp_path)))
        one.gateway.signal(signal.SIGHUP)
        await one.gateway.until(lambda view: view["line"]["limit"] == 7, pool=pool_of("a"))
        await eventually(lambda: one.cluster.api.count("list", "endpointslices") == 2)
        assert (await one.client.get(one.gateway.url + LIGHT)).status_code == 200
        assert container.seen[-1]["k-kubelet-probe"] == "gateway"
        container.finish(2)
        assert [(await each.answer()).status_code for each in (slow, behind)] == [200, 200]

        write_config(tmp_path, configuration(changed | {"backends": {"static": ["127.0.0.1:1"]}}, **sections(tmp_path)))
        one.gateway.signal(signal.SIGHUP)
        assert "another kind of backends" in (await one.gateway.event("reload_refused"))["why"][0]


async def test_a_pod_that_is_told_to_end_is_kept_until_its_work_is_done(tmp_path: Path) -> None:
    """A queue-proxy counts from the last arrival, not from the end of the work."""
    async with in_cluster(tmp_path) as one:
        one.cluster.drain_quiet = KEEP_EVERY + 2
        one.cluster.scale("a", 1)
        await one.ready("a", 1)
        asked = one.ask()
        (container,) = one.containers
        await container.came(1)
        (pod,) = one.cluster.pods("a")
        proxy = pod.proxy
        assert proxy is not None
        began = proxy.last_arrival
        one.cluster.scale("a", 0)
        await eventually(lambda: proxy.last_arrival - began > one.cluster.drain_quiet, within=3 * KEEP_EVERY)
        assert one.cluster.pods("a") == [pod]
        container.finish(2)  # one of the small requests that keep it may be here, too
        assert (await asked.answer()).status_code == 200
        await eventually(lambda: one.cluster.pods("a") == [])
