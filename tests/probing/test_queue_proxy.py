"""A Knative pod is asked as the activator asks, and is used the moment it says yes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import httpx
import pytest
import respx

from gateway.demo.knative.queue_proxy import QueueProxyStandIn
from gateway.demo.knative.serving import served
from gateway.probing.control_client import new_client
from gateway.probing.probes import Finding
from gateway.probing.queue_proxy import StartedProbe, queue_proxy_cadence, queue_proxy_probe
from gateway.probing.readiness import ReadinessWatch
from tests.doubles.container import Container
from tests.doubles.eventually import eventually
from tests.doubles.scripted_probe import ScriptedProbe

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio

ADDRESS = "10.0.0.1:8012"


@pytest.fixture
def asked() -> Iterator[respx.Route]:
    with respx.mock:
        yield respx.get(f"http://{ADDRESS}/healthz")


async def finding(answer: httpx.Response | Exception, asked: respx.Route) -> Finding:
    asked.mock(side_effect=[answer])
    async with new_client() as client:
        return (await queue_proxy_probe(client)(ADDRESS)).finding


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx.Response(200, text="queue"), Finding.PASS),
        (httpx.Response(200, text="queue\n"), Finding.FAIL),
        (httpx.Response(200, text="<html>"), Finding.FAIL),
        (httpx.Response(503, text="shutting down"), Finding.FAIL),
        (httpx.Response(503), Finding.FAIL),
        (httpx.ReadTimeout("busy"), Finding.FAIL),
    ],
)
async def test_only_the_queue_proxys_own_word_counts(
    answer: httpx.Response | Exception, expected: Finding, asked: respx.Route
) -> None:
    assert await finding(answer, asked) is expected


async def test_it_asks_as_the_activator(asked: respx.Route) -> None:
    await finding(httpx.Response(200, text="queue"), asked)
    headers = asked.calls.last.request.headers
    assert (headers["user-agent"], headers["k-network-probe"]) == ("Knative-Activator-Probe", "queue")


async def test_it_does_not_disturb_a_pod_at_work() -> None:
    async with new_client() as client:
        assert not queue_proxy_probe(client).light


async def test_a_pod_that_comes_up_is_ready_when_its_container_is_and_not_while_it_drains() -> None:
    reports: list[bool] = []
    changed = anyio.Event()

    def report(ready: bool) -> None:
        reports.append(ready)
        changed.set()

    async with new_client() as client, httpx.AsyncClient(trust_env=False) as inside:
        async with served(Container()) as container:
            pass
        proxy = QueueProxyStandIn(f"http://{container}", inside)
        watch = ReadinessWatch(queue_proxy_probe(client), queue_proxy_cadence(0.01, 1, 0), lambda: False, report)
        async with served(proxy) as address, anyio.create_task_group() as tasks:
            tasks.start_soon(watch.run, address)
            with anyio.fail_after(20):
                await changed.wait()
                changed = anyio.Event()
                async with served(Container(), int(container.rpartition(":")[2])):
                    await changed.wait()
                    changed = anyio.Event()
                    proxy.draining = True
                    await changed.wait()
            tasks.cancel_scope.cancel()
    assert reports == [False, True, False]


async def test_a_container_that_has_just_started_is_asked_itself_until_it_has_passed() -> None:
    queue_proxy, container = ScriptedProbe("fpppfpp", light=False), ScriptedProbe("fpfp")
    probe = StartedProbe(queue_proxy, container, "10.0.0.1:7860")
    found = [(await probe(ADDRESS)).finding.value[0] for _ in range(7)]
    assert ("".join(found), len(container.asked_at)) == ("ffppffp", 4)
    assert not probe.light


async def test_the_container_is_sent_nothing_before_its_port_has_settled() -> None:
    asked: list[float] = []
    reports: list[bool] = []
    container = ScriptedProbe("ffp", meanwhile=lambda: asked.append(anyio.current_time()))
    queue_proxy = ScriptedProbe("fffp", light=False)
    async with anyio.create_task_group() as tasks:
        probe = StartedProbe(queue_proxy, container, "10.0.0.1:7860")
        watch = ReadinessWatch(probe, queue_proxy_cadence(0.05, 3, 0.3), lambda: False, reports.append, queue_proxy)
        tasks.start_soon(watch.run, ADDRESS)
        await eventually(lambda: reports[-1:] == [True])
        tasks.cancel_scope.cancel()
    assert asked[0] - queue_proxy.asked_at[3] >= 0.299
    assert len(asked) == 3


async def test_its_patience_is_short() -> None:
    async def stall(scope: object, receive: object, send: object) -> None:
        await anyio.sleep_forever()

    async with new_client() as client, served(stall) as address:
        with anyio.fail_after(20):
            assert (await queue_proxy_probe(client)(address)).finding is Finding.FAIL
