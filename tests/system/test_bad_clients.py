"""Clients that leave, dawdle or never read. The pod finishes what it has begun, and nobody else notices."""

from __future__ import annotations

import asyncio
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from gateway.core.records.decisions import Ending
from tests.doubles.eventually import eventually
from tests.doubles.fault_pod import FaultPod, fault_pods
from tests.doubles.stand_in_process import stand_in_process
from tests.server.raw_client import RawClient
from tests.system.callers import ask, callers, job, leave, outcomes
from tests.system.promises import NOTHING, Broken, broken
from tests.system.running_gateway import RunningGateway, configuration, running_gateway

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


def fronting(pod: FaultPod, **told: Any) -> dict[str, Any]:
    return configuration({"backends": {"static": [pod.url]}, **told})


async def ended(gateway: RunningGateway, ending: Ending) -> float:
    """How many requests have ended so."""
    return await gateway.total("gateway_requests_total", code=ending.value)


@pytest.mark.parametrize("how", ["reset", "half_close"])
async def test_a_client_that_leaves_does_not_free_the_pod(how: str, tmp_path: Path) -> None:
    """Before the answer, in mid-answer, and in line."""
    async with (
        fault_pods(1, work=60) as (pod,),
        running_gateway(tmp_path, fronting(pod)) as gateway,
        callers(gateway, 4) as (*leavers, last),
    ):
        await gateway.ready(1)
        before, within, waiting = leavers
        await before.send(job("before"))
        await eventually(lambda: pod.is_working)
        await within.send(job("within", behave="begun"))
        await gateway.until(lambda view: view["line"]["waiting"] == 1)
        await waiting.send(job("waiting"))
        await gateway.until(lambda view: view["line"]["waiting"] == 2)
        await last.send(job("last"))
        await gateway.until(lambda view: view["line"]["waiting"] == 3)

        await leave(gateway, waiting, how)
        await gateway.until(lambda view: view["line"]["waiting"] == 2)
        await leave(gateway, before, how)
        view = await gateway.snapshot()
        assert (view["in_flight"], view["line"]["waiting"], len(pod.jobs)) == (1, 2, 1)
        pod.finish()
        await within.head()
        await leave(gateway, within, how)
        assert (await gateway.snapshot())["in_flight"] == 1
        pod.work = 0.02
        pod.finish()
        assert (await last.answer()).status == 200
        assert [job.key for job in pod.jobs] == ["before", "within", "last"]
        assert await broken(gateway, [pod], sent=4) == NOTHING
        assert await ended(gateway, Ending.CLIENT_LEFT_BEFORE_ANSWER) == 1
        assert await ended(gateway, Ending.CLIENT_LEFT_IN_ANSWER) == 1
        assert await ended(gateway, Ending.CLIENT_LEFT_WAITING) == 1


async def test_a_slow_reader_does_not_hold_the_pod(tmp_path: Path) -> None:
    async with (
        fault_pods(1) as (pod,),
        running_gateway(tmp_path, fronting(pod)) as gateway,
        callers(gateway, 1) as (slow,),
    ):
        await gateway.ready(1)
        await slow.send(job("slow", behave="big"))
        head = await slow.head()
        assert (await ask(gateway, job("next"))).status == 200
        assert (await gateway.snapshot())["line"]["bytes_held"] > 0  # nobody has read the rest yet
        length = int(head.fields["content-length"])
        assert len(await slow.read_exactly(length)) == length == 32 << 20
        assert await broken(gateway, [pod], sent=2) == NOTHING
        assert await ended(gateway, Ending.SERVED) == 2


async def test_a_client_that_never_reads_is_cut(tmp_path: Path) -> None:
    told = {"timeouts": {"write_stall": 0.5}}
    async with (
        fault_pods(1) as (pod,),
        running_gateway(tmp_path, fronting(pod, **told)) as gateway,
        callers(gateway, 1) as (deaf,),
    ):
        await gateway.ready(1)
        await deaf.send(job("deaf", behave="big"))
        head = await deaf.head()
        assert await broken(gateway, [pod], sent=1) == NOTHING
        assert await ended(gateway, Ending.CLIENT_STALLED) == 1
        with anyio.fail_after(10):
            try:
                rest = await deaf.rest()
            except ConnectionResetError:
                rest = b""
        assert len(rest) < int(head.fields["content-length"])


async def test_a_client_that_uploads_slowly_holds_a_place_but_no_pod(tmp_path: Path) -> None:
    async with (
        fault_pods(1) as (pod,),
        running_gateway(tmp_path, fronting(pod)) as gateway,
        callers(gateway, 2) as (slow, leaver),
    ):
        await gateway.ready(1)
        for client in (slow, leaver):
            await client.send(job("slow", body=b"x" * 100_000)[:-1])
        view = await gateway.until(lambda view: view["line"]["uploading"] == 2)
        assert (view["in_flight"], view["line"]["bytes_held"]) == (0, 199_998)
        assert (await ask(gateway, job("quick"))).status == 200
        leaver.reset()
        await gateway.until(lambda view: view["line"]["uploading"] == 1)
        assert (await slow.ask(b"x")).status == 200
        # Overtaken by the quick one, as it should be: it took its place in line when its body was complete.
        assert await broken(gateway, [pod], sent=3) == Broken(inversions=1)
        assert await ended(gateway, Ending.CLIENT_LEFT_UPLOADING) == 1


async def test_slow_uploads_keep_nobody_out(tmp_path: Path) -> None:
    """Eleven of them announce more than there is room for; then one address sends as many as it may."""
    async with (
        fault_pods(1) as (pod,),
        running_gateway(tmp_path, fronting(pod, queue={"limit": 60})) as gateway,
        callers(gateway, 20) as clients,
    ):
        await gateway.ready(1)
        much = job("slow", body=b"").replace(b"Content-Length: 0", b"Content-Length: 97612893")
        for client in clients[:11]:
            await client.send(much + b"x" * 1200)
        await gateway.until(lambda view: view["line"]["bytes_held"] == 11 * 1200)
        assert (await ask(gateway, job("same address"))).status == 200
        for client in clients[11:]:
            await client.send(job("slow", body=b"x" * 100)[:-1])
        refused = await outcomes(clients[16:])
        assert refused == [503] * 4  # 15 + the free slot
        refusal = await gateway.event("no_room")
        assert (refusal["reason"], refusal["client"]) == ("client_full", "127.0.0.1")
        reader, writer = await asyncio.open_connection(*gateway.traffic, local_addr=("127.0.0.2", 0))
        other = RawClient(reader, writer)
        assert (await other.ask(job("another address"))).status == 200
        await other.close()


async def test_an_upload_has_an_end_however_steady_it_is(tmp_path: Path) -> None:
    async with (
        fault_pods(1) as (pod,),
        running_gateway(tmp_path, fronting(pod, timeouts={"body_total": 0.5})) as gateway,
        callers(gateway, 1) as (client,),
    ):
        await gateway.ready(1)
        await client.send(job("steady", body=b"x" * 100_000)[:-100_000])
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(drip, client)
            assert (await client.answer()).status == 408
            tasks.cancel_scope.cancel()
        assert await ended(gateway, Ending.CLIENT_SLOW_UPLOADING) == 1


@pytest.mark.parametrize("megabytes", [3, 30])
async def test_who_is_refused_while_still_sending_reads_why(megabytes: int, tmp_path: Path) -> None:
    """As Python's own client sends: all of it, before it reads anything."""

    def post(address: tuple[str, int]) -> int:
        client = HTTPConnection(*address)
        client.request("POST", "/", body=b"x" * (megabytes << 20))
        status = client.getresponse().status
        client.close()
        return status

    async with fault_pods(1) as (pod,), running_gateway(tmp_path, fronting(pod, max_body=1000)) as gateway:
        assert [await anyio.to_thread.run_sync(post, gateway.traffic) for _ in range(10)] == [413] * 10
        assert pod.jobs == []


async def drip(client: RawClient) -> None:
    """A byte at a time, never with a long pause."""
    while True:
        await client.send(b"x")
        await anyio.sleep(0.05)


@pytest.mark.parametrize("lane", ["counted", "exempt"])
async def test_a_client_that_drips_its_body_is_not_waited_for(lane: str, tmp_path: Path) -> None:
    told = {"timeouts": {"body_idle": 0.5}, "rules": [{"match": "POST /*", "lane": lane}]}
    async with (
        fault_pods(1) as (pod,),
        running_gateway(tmp_path, fronting(pod, **told)) as gateway,
        callers(gateway, 1) as (client,),
    ):
        await gateway.ready(1)
        await client.send(job("drip", body=b"x" * 100_000)[:-100_000])
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(drip, client)
            assert (await client.answer()).status == 408
            tasks.cancel_scope.cancel()
        assert await broken(gateway, [pod], sent=1) == NOTHING
        assert await ended(gateway, Ending.CLIENT_SLOW_UPLOADING) == 1


async def test_where_configured_the_pod_is_told_to_stop_when_its_client_leaves(tmp_path: Path) -> None:
    with stand_in_process("--boot", "0", "--work", "600") as pod:
        pool = {"profile": "a1111", "backends": {"static": [pod.url]}, "on_client_gone": "interrupt"}
        async with running_gateway(tmp_path, configuration(pool)) as gateway, callers(gateway, 1) as (client,):
            await gateway.ready(1)
            await client.send(job("unwanted"))
            await gateway.until(lambda view: view["in_flight"] == 1)
            client.reset()
            await gateway.until(lambda view: view["free"] == 1)
        stats = pod.stats()
        assert (stats["served"], stats["two_at_once"]) == (1, 0)
