"""The queue-proxy's stand-in in front of a container, over real sockets: what the real one was seen to do."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest

from gateway.demo.knative.queue_proxy import QueueProxyStandIn
from gateway.demo.knative.serving import served
from tests.doubles.container import Container
from tests.doubles.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from anyio.abc import TaskGroup

pytestmark = pytest.mark.anyio

PROBE = {"User-Agent": "Knative-Activator-Probe/1", "K-Network-Probe": "queue"}


class Pod:
    """A container, its queue-proxy, and a client that asks it."""

    def __init__(self, url: str, container: Container, proxy: QueueProxyStandIn, client: httpx.AsyncClient) -> None:
        self.container = container
        self.proxy = proxy
        self.answers: list[tuple[int, str]] = []
        self._url = url
        self._client = client

    async def ask(self, path: str = "/paint", method: str = "POST", **headers: str) -> tuple[int, str]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self._client.request(method, self._url + path, headers=sent, content=b"a dog")
        self.answers.append((answer.status_code, answer.text))
        return self.answers[-1]

    async def probe(self, headers: dict[str, str] | None = None) -> httpx.Response:
        return await self._client.get(f"{self._url}/anything", headers=PROBE if headers is None else headers)

    async def asks(self, tasks: TaskGroup, count: int) -> None:
        """Requests of which each is inside before the next one is sent."""
        for here in range(count):
            tasks.start_soon(self.ask)
            await eventually(lambda here=here: self.proxy.here > here)  # type: ignore[misc]


@asynccontextmanager
async def open_pod(limit: int = 1) -> AsyncIterator[Pod]:
    container = Container()
    no_bounds = httpx.Limits(max_connections=None)
    with anyio.fail_after(20):
        async with (
            httpx.AsyncClient(trust_env=False, timeout=None, limits=no_bounds) as client,
            httpx.AsyncClient(trust_env=False, timeout=None, limits=no_bounds) as inside,
            served(container) as address,
        ):
            proxy = QueueProxyStandIn(f"http://{address}", inside, limit)
            async with served(proxy) as port:
                yield Pod(f"http://{port}", container, proxy, client)


async def test_one_works_ten_wait_and_the_twelfth_is_refused() -> None:
    async with open_pod() as pod, anyio.create_task_group() as tasks:
        await pod.asks(tasks, 11)
        assert await pod.ask() == (503, "pending request queue full\n")
        pod.container.finish(11)
    assert pod.answers[1:] == [(200, "done")] * 11
    assert pod.container.most_at_once == 1
    assert pod.container.bodies == [b"a dog"] * 11


async def test_without_a_limit_nobody_waits() -> None:
    async with open_pod(limit=0) as pod, anyio.create_task_group() as tasks:
        await pod.asks(tasks, 15)
        await pod.container.came(15)
        assert pod.container.most_at_once == 15
        pod.container.finish(15)


async def test_probes_go_to_the_proxy_and_say_whether_the_container_is_there() -> None:
    async with open_pod() as pod:
        ready = await pod.probe()
        assert (ready.status_code, ready.text, ready.headers["x-stand-in"]) == (200, "queue", "queue-proxy")
        wrong = await pod.probe({"User-Agent": "kube-probe/1.30"})
        assert (wrong.status_code, wrong.text) == (400, "unexpected probe header value: ")
        pod.proxy.draining = True
        draining = await pod.probe()
        assert (draining.status_code, draining.text) == (503, "shutting down")
        assert (await pod.ask("/light", "GET")) == (200, "done")
    assert pod.proxy.probes == 3
    assert len(pod.container.seen) == 1


async def test_without_its_container_it_is_not_ready_and_says_what_go_says() -> None:
    async with httpx.AsyncClient(trust_env=False) as inside, httpx.AsyncClient(trust_env=False) as client:
        async with served(Container()) as address:
            proxy = QueueProxyStandIn(f"http://{address}", inside)
        async with served(proxy) as port:
            assert (await client.get(f"http://{port}/", headers=PROBE)).status_code == 503
            answer = await client.get(f"http://{port}/")
    assert (answer.status_code, answer.text) == (502, f"dial tcp {address}: connect: connection refused\n")


async def test_a_network_probe_is_echoed_unless_it_drains() -> None:
    async with open_pod() as pod:
        echo = await pod.probe({"K-Network-Probe": "probe", "K-Network-Hash": "abc"})
        assert (echo.status_code, echo.headers["k-network-hash"]) == (200, "abc")
        assert (await pod.probe({"K-Network-Probe": "probe"})).status_code == 400
        pod.proxy.draining = True
        assert (await pod.probe({"K-Network-Probe": "probe", "K-Network-Hash": "abc"})).status_code == 503
    assert pod.container.seen == []


async def test_a_kubelet_probe_header_passes_by_the_limit_and_is_not_counted() -> None:
    async with open_pod() as pod, anyio.create_task_group() as tasks:
        await pod.asks(tasks, 1)
        pod.proxy.take_statistics()
        assert await pod.ask("/light", "GET", k_kubelet_probe="x") == (200, "done")
        assert pod.container.most_at_once == 2
        assert pod.proxy.take_statistics().request_count == 0
        pod.container.finish()


async def test_what_an_activator_sent_is_proxied_and_the_host_is_the_original_one() -> None:
    async with open_pod() as pod:
        pod.container.finish(2)
        await pod.ask(k_proxy_request="activator", k_original_host="sd.example.com", knative_serving_revision="sd-1")
        await pod.ask(k_proxy_request="somebody")
        told = pod.proxy.take_statistics()
    assert (told.request_count, told.proxied_request_count) == (2, 1)
    assert told.average_concurrent_requests > told.average_proxied_concurrent_requests > 0
    assert pod.container.seen[0]["host"] == "sd.example.com"
    assert not {"k-original-host", "knative-serving-revision"} & pod.container.seen[0].keys()


async def test_whoever_leaves_leaves_the_line_and_the_container() -> None:
    async with open_pod() as pod:
        async with anyio.create_task_group() as tasks:
            await pod.asks(tasks, 2)
            await pod.container.came(1)
            tasks.cancel_scope.cancel()
        await eventually(lambda: not (pod.proxy.here or pod.container.at_work))
    assert pod.container.given_up == len(pod.container.seen) == 1
