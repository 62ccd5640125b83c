"""The operators' port of a gateway that has seen some life: others' tools read it, and idle connections hold nothing
up."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.doubles.eventually import eventually
from tests.doubles.fault_pod import fault_pods
from tests.system.callers import ask, callers, connections, job
from tests.system.running_gateway import configuration, running_gateway
from tests.system.shell import run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

_IDLE = 10


async def test_prometheus_has_nothing_to_say_about_the_metrics_of_a_busy_gateway(tmp_path: Path) -> None:
    async with fault_pods(2, work=60) as pods:
        pool = {"profile": "a1111", "backends": {"static": [pod.url for pod in pods]}}
        async with running_gateway(tmp_path, configuration(pool)) as gateway, callers(gateway, 4) as clients:
            await gateway.ready(2)
            assert (await ask(gateway, b"BAD\r\n\r\n")).status == 400
            assert (await ask(gateway, b"GET /sdapi/v1/cmd-flags HTTP/1.1\r\nHost: sd\r\n\r\n")).status == 403
            await clients[0].send(job("broken", behave="reset_before"))
            assert (await clients[0].answer()).status == 502
            for client in clients[1:]:
                await client.send(job("long"))
            await gateway.until(lambda view: view["line"]["waiting"] == 2 and view["quarantined"] == 1)

            assert await run("promtool", "check", "metrics", given=(await gateway.ask("/metrics")).text) == ""
            assert await gateway.total("gateway_slots", state="in_flight") == 1
            assert await gateway.total("gateway_slots", state="quarantined") == 1
            assert await gateway.total("gateway_waiting_requests", lane="counted") == 2
            assert await gateway.total("gateway_protocol_refused_total") == 1
            assert await gateway.total("gateway_requests_total", outcome="refused") == 2  # the 403 and the 502


async def test_an_operator_releases_a_pod(tmp_path: Path) -> None:
    async with (
        fault_pods(1, work=60) as (pod,),
        running_gateway(tmp_path, configuration({"backends": {"static": [pod.url]}})) as gateway,
        httpx.AsyncClient(base_url=gateway.ops, trust_env=False) as operator,
    ):
        (backend,) = (await gateway.ready(1))["backends"]
        assert (await ask(gateway, job("broken", behave="reset_before"))).status == 502
        await gateway.until(lambda view: view["quarantined"] == 1)
        pod.work = 0.02
        pod.finish()
        release = f"/api/pools/sd/backends/{backend['name']}/release"
        assert (await operator.post(release)).status_code == 403  # any page could have sent that
        assert (await operator.post(release, headers={"X-Requested-With": "httpx"})).json()["released"]
        assert (await ask(gateway, job("next"))).status == 200
        assert pod.double_runs == 0


async def test_idle_connections_hold_nothing_up(tmp_path: Path) -> None:
    """Neither requests nor probes nor the end: fresh ones, and ones that were answered and wait for more."""
    async with (
        fault_pods(1) as (pod,),
        running_gateway(
            tmp_path, configuration({"backends": {"static": [pod.url]}}, stop={"grace": 600, "delay": 0})
        ) as gateway,
        connections(gateway.traffic, 2 * _IDLE) as traffic,
        connections(gateway.operators, 2 * _IDLE) as watching,
    ):
        await gateway.ready(1)
        for number, client in enumerate(traffic[:_IDLE]):
            await client.send(job(number))
            assert (await client.answer()).status == 200
        for client in watching[:_IDLE]:
            await client.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await client.answer()).status == 200
        assert (await gateway.ask("/readyz")).status_code == 200
        gateway.signal(signal.SIGTERM)
        assert [await client.rest() for client in (*traffic, *watching)] == [b""] * 4 * _IDLE
        assert await gateway.ended() == 0
        assert gateway.events("stopped")[0]["in_good_order"]


async def test_the_snapshot_says_who_does_what(tmp_path: Path) -> None:
    async with fault_pods(1, work=60) as (pod,):
        config = configuration({"backends": {"static": [pod.url]}})
        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 2) as clients:
            await gateway.ready(1)
            for number, client in enumerate(clients):
                await client.send(job(number))
            view = await gateway.until(lambda view: view["line"]["waiting"] == 1)
            (backend,), (waiting,) = view["backends"], view["line"]["tickets"]
            (working,) = backend["tickets"]
            await eventually(lambda: pod.jobs)
            assert (working["label"], working["lane"]) == (pod.jobs[0].request_id, "counted")
            assert waiting["label"] > working["label"]
            assert waiting["age"] <= working["age"]
            assert (backend["state"], backend["idle"], view["demand"]) == ("ready", None, 2)
