"""More connections than descriptors allow: the first are served, the others told so, and operators see it all."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.doubles.eventually import eventually
from tests.doubles.fault_pod import FaultPod, fault_pods
from tests.server.raw_client import RawClient
from tests.system.callers import ask, callers, connections, job
from tests.system.promises import NOTHING, broken
from tests.system.running_gateway import configuration, running_gateway

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

#: The row of the failure matrix: so few descriptors that two hundred clients exhaust them.
FEW = ("prlimit", "--nofile=256:256")
SERVED = 76

HEALTH = b"GET /.gateway/healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def fronting(pod: FaultPod, **sections: Any) -> dict[str, Any]:
    return configuration({"backends": {"static": [pod.url]}}, **sections)


async def outcome(client: RawClient) -> int:
    """The status; 0 for a connection that ended unheard."""
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        return (await client.ask(HEALTH)).status
    return 0


async def test_descriptors_do_not_run_out(tmp_path: Path) -> None:
    async with (
        fault_pods(1) as (pod,),
        running_gateway(tmp_path, fronting(pod, trusted_proxies=["127.0.0.1/32"]), under=FEW) as gateway,
    ):
        await gateway.ready(1)
        async with callers(gateway, SERVED) as served:
            assert [await outcome(client) for client in served] == [200] * SERVED
            gateway.signal(signal.SIGSTOP)  # so that all of them wait to be accepted, and are in one turn of the loop
            async with callers(gateway, 400) as others:
                gateway.signal(signal.SIGCONT)
                assert {await outcome(client) for client in others} == {0, 503}
                async with connections(gateway.operators, 5) as operators:
                    assert [await outcome(client) for client in operators] == [421] * 5
                assert gateway.descriptors < 200
                assert await gateway.total("gateway_protocol_refused_total", reason="connections_full") == 400
                answers = await asyncio.gather(*(client.ask(job(key)) for key, client in enumerate(served)))
                assert {answer.status for answer in answers} == {200}
        await eventually(lambda: gateway.descriptors < 60)
        assert (await ask(gateway, job("after"))).status == 200
        assert gateway.events("request_failed") == []
        assert await broken(gateway, [pod], sent=SERVED + 1) == NOTHING


async def test_one_address_does_not_have_them_all(tmp_path: Path) -> None:
    async with (
        fault_pods(1) as (pod,),
        running_gateway(tmp_path, fronting(pod), under=FEW) as gateway,
        callers(gateway, SERVED) as clients,
    ):
        assert [await outcome(client) for client in clients[: SERVED // 2]] == [200] * (SERVED // 2)
        assert {await outcome(client) for client in clients[SERVED // 2 :]} <= {0, 503}
        found = await gateway.total("gateway_protocol_refused_total", reason="address_full")
        assert found == SERVED // 2


async def test_a_flood_of_the_operators_port_takes_nothing_from_the_traffic_nor_from_other_operators(
    tmp_path: Path,
) -> None:
    async with (
        fault_pods(1) as (pod,),
        running_gateway(tmp_path, fronting(pod), under=("prlimit", "--nofile=300:300")) as gateway,
    ):
        await gateway.ready(1)
        async with connections(gateway.operators, 330) as flood:
            for client in flood:
                with contextlib.suppress(ConnectionError):
                    await client.send(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half")
            assert (await ask(gateway, job("meanwhile"))).status == 200
            probe = await asyncio.open_connection(*gateway.operators, local_addr=("127.0.0.2", 0))
            kubelet = RawClient(*probe)
            assert (await kubelet.ask(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).status == 200
            assert gateway.descriptors < 200
            assert (await flood[0].answer()).status == 408
            await kubelet.close()
        assert gateway.events("request_failed") == []


async def test_a_page_whose_name_was_made_to_point_here_reads_nothing(tmp_path: Path) -> None:
    async with fault_pods(1) as (pod,), running_gateway(tmp_path, fronting(pod)) as gateway:
        async with connections(gateway.operators, 1) as (page,):
            answer = await page.ask(b"GET /api/snapshot HTTP/1.1\r\nHost: rebound.example:9090\r\n\r\n")
            assert (answer.status, "sd" in answer.body.decode()) == (421, False)
        assert (await gateway.event("operators_host_unknown"))["host"] == "rebound.example:9090"
