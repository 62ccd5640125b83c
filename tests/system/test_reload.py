"""SIGHUP: what may change does so under running requests; what may not, or is wrong, changes nothing and says why."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.doubles.eventually import eventually
from tests.doubles.fault_pod import FaultPod, fault_pods
from tests.system.callers import ask, callers, job, outcomes
from tests.system.promises import NOTHING, broken
from tests.system.running_gateway import RunningGateway, configuration, running_gateway, write_config

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = pytest.mark.anyio


def fronting(*pods: FaultPod, **changed: Any) -> dict[str, Any]:
    return configuration({"backends": {"static": [pod.url for pod in pods]}, **changed})


async def reload(gateway: RunningGateway, directory: Path, config: Mapping[str, Any]) -> None:
    """Write the file and say so; returns when it is in force."""
    before = len(gateway.events("reloaded"))
    write_config(directory, config)
    gateway.signal(signal.SIGHUP)
    await gateway.event("reloaded", before + 1)


async def why_refused(gateway: RunningGateway) -> str:
    """Say that the file has changed; what the gateway has against it."""
    before = len(gateway.events("reload_refused"))
    gateway.signal(signal.SIGHUP)
    return "\n".join((await gateway.event("reload_refused", before + 1))["why"])


async def test_new_rules_and_limits_drop_nobody(tmp_path: Path) -> None:
    async with (
        fault_pods(2, work=60) as (pod, another),
        running_gateway(tmp_path, fronting(pod)) as gateway,
        callers(gateway, 4) as clients,
    ):
        await gateway.ready(1)
        for number, client in enumerate(clients):
            await client.send(job(number))
        await gateway.until(lambda view: view["line"]["waiting"] == 3)

        denied = {"match": "GET /secret", "lane": "denied"}
        passing = {"match": "GET /open", "lane": "exempt"}
        await reload(
            gateway,
            tmp_path,
            fronting(pod, rules=[denied, passing], queue={"limit": 2, "client_share": 100}, expose_backend=True),
        )
        view = await gateway.snapshot()
        assert (view["in_flight"], view["line"]["waiting"], view["line"]["limit"]) == (1, 3, 2)
        assert (await ask(gateway, b"GET /secret HTTP/1.1\r\nHost: sd.example\r\n\r\n")).status == 403
        assert (await ask(gateway, b"GET /open HTTP/1.1\r\nHost: sd.example\r\n\r\n")).status == 200
        refused = await ask(gateway, job("one too many"))
        assert (refused.status, refused.json()["reason"]) == (503, "line_full")

        await reload(gateway, tmp_path, fronting(pod, another))  # another pod: somebody's turn comes
        await eventually(lambda: another.is_working)
        await reload(gateway, tmp_path, fronting(another))  # the first one leaves; what it works on goes on
        await gateway.until(lambda view: [b["state"] for b in view["backends"]] == ["draining", "ready"])
        assert pod.is_working
        another.work = 0.02
        another.finish()
        pod.finish()
        assert await outcomes(clients) == [200] * 4
        assert await gateway.until(lambda view: len(view["backends"]) == 1)
        assert [len(pod.jobs), len(another.jobs)] == [1, 3]
        assert await broken(gateway, [pod, another], sent=7) == NOTHING


async def test_pools_come_and_go(tmp_path: Path) -> None:
    async with fault_pods(2, work=60) as (pod, another), running_gateway(tmp_path, fronting(pod)) as gateway:
        await gateway.ready(1)
        async with callers(gateway, 2) as clients:
            for number, client in enumerate(clients):
                await client.send(job(number))
            await gateway.until(lambda view: view["line"]["waiting"] == 1)
            config = fronting(pod)
            config["pools"] = {"other": {"backends": {"static": [another.url]}}}
            await reload(gateway, tmp_path, config)
            another.work = 0.02
            assert (await ask(gateway, job("new"))).status == 200
            assert len(another.jobs) == 1

            pod.work = 0.02
            pod.finish()
            assert await outcomes(clients) == [200, 200]
        assert (await gateway.event("pool_retired"))["pool"] == "sd"
        assert (await gateway.snapshot("other"))["counts"]["give_backs"] == 0
        assert (pod.double_runs, another.double_runs) == (0, 0)


async def test_what_is_wrong_changes_nothing_and_says_why(tmp_path: Path) -> None:
    async with fault_pods(1) as (pod,), running_gateway(tmp_path, fronting(pod)) as gateway:
        await gateway.ready(1)
        before = await gateway.snapshot()

        (tmp_path / "gateway.yaml").write_text("pools:\n  sd: [not, a, pool\n")
        assert "gateway.yaml:" in await why_refused(gateway)

        write_config(tmp_path, fronting(pod, queue={"limit": -1}, max_bdoy=5))
        why = await why_refused(gateway)
        assert "pools.sd.queue.limit" in why
        assert "max_bdoy" in why

        write_config(tmp_path, {**fronting(pod), "listen": {"host": "127.0.0.1", "port": 1}})
        assert await why_refused(gateway) == "listen has changed: that needs a restart"

        write_config(tmp_path, configuration({"backends": {"dns": {"name": "localhost", "port": 1}}}))
        assert "pools.sd.backends" in await why_refused(gateway)

        (tmp_path / "gateway.yaml").unlink()
        assert "gateway.yaml" in await why_refused(gateway)

        after = await gateway.snapshot()
        assert (after["line"]["limit"], after["backends"][0]["identity"]) == (
            before["line"]["limit"],
            before["backends"][0]["identity"],
        )
        assert (await ask(gateway, job("as ever"))).status == 200
        assert gateway.events("reloaded") == []
