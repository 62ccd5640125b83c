"""Backends that refuse connections: nothing was started, so every request keeps its place and is served elsewhere, or
here, later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.doubles.eventually import eventually
from tests.doubles.fault_pod import FaultPod, fault_pods
from tests.system.callers import callers, job, outcomes
from tests.system.promises import NOTHING, broken
from tests.system.running_gateway import RunningGateway, configuration, running_gateway

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.server.raw_client import RawClient

pytestmark = pytest.mark.anyio

#: Seconds of processor a busy loop would use up in the second it is watched for.
_BUSY = 0.5


def fronting(pods: Sequence[FaultPod], *, probe_every: float = 60.0) -> dict[str, Any]:
    """Found ready, and then not looked at again for a minute: that they refuse is found out by requests alone."""
    static = [pod.url for pod in pods]
    return configuration({"backends": {"static": static}, "readiness": {"period": probe_every}})


async def send_in_order(gateway: RunningGateway, clients: Sequence[RawClient], *, behind: int) -> None:
    """Each when the one before is in line, in which `behind` wait already."""
    for number, client in enumerate(clients, 1):
        await client.send(job(number))
        await gateway.until(lambda view, wanted=behind + number: view["line"]["waiting"] == wanted)  # type: ignore[misc]


async def test_two_of_three_were_never_there(tmp_path: Path) -> None:
    async with fault_pods(1) as pods:
        absent = [FaultPod(), FaultPod()]
        for pod in absent:
            pod.bind()
        async with (
            running_gateway(tmp_path, fronting([absent[0], *pods, absent[1]])) as gateway,
            callers(gateway, 20) as clients,
        ):
            for number, client in enumerate(clients):
                await client.send(job(number))
            assert await outcomes(clients) == [200] * 20
            states = {backend["state"] for backend in (await gateway.snapshot())["backends"]}
            assert states == {"ready", "starting"}
            assert [job.key for job in pods[0].jobs] == [str(number) for number in range(20)]
        for pod in absent:
            await pod.close()


async def test_two_of_three_go_away(tmp_path: Path) -> None:
    async with fault_pods(3) as pods, running_gateway(tmp_path, fronting(pods)) as gateway:
        await gateway.ready(3)
        async with callers(gateway, 21) as (first, *others):
            staying = await _busy(first, pods)
            for pod in pods:
                if pod is not staying:
                    pod.refuse()
            await send_in_order(gateway, others, behind=0)
            staying.work = 0.01
            staying.finish()
            assert await outcomes((first, *others)) == [200] * 21
        assert [job.key for job in staying.jobs] == ["0", *map(str, range(1, 21))]
        assert await broken(gateway, pods, sent=21) == NOTHING
        assert await gateway.total("gateway_give_backs_total") > 0


async def _busy(client: RawClient, pods: Sequence[FaultPod]) -> FaultPod:
    """One of the pods, when it works for that client, until it is told to finish."""
    for pod in pods:
        pod.work = 60
    await client.send(job(0))
    await eventually(lambda: any(pod.jobs for pod in pods))
    return next(pod for pod in pods if pod.jobs)


async def test_the_only_one_refuses_for_a_while(tmp_path: Path) -> None:
    async with fault_pods(1) as (pod,), running_gateway(tmp_path, fronting([pod])) as gateway:
        await gateway.ready(1)
        pod.refuse()
        async with callers(gateway, 3) as clients:
            used = gateway.processor_seconds
            await send_in_order(gateway, clients, behind=0)
            # The first attempt at once, the second after a second, the third, which will succeed, two seconds later.
            await gateway.until(lambda view: view["counts"]["give_backs"] >= 2)
            view = await gateway.until(lambda view: view["backends"][0]["suspect_for"] < 1.5)
            assert (view["counts"]["give_backs"], view["backends"][0]["state"]) == (2, "suspect")
            assert gateway.processor_seconds - used < _BUSY
            await pod.open()
            assert await outcomes(clients) == [200] * 3
        assert [job.key for job in pod.jobs] == ["1", "2", "3"]
        assert await broken(gateway, [pod], sent=3) == NOTHING
        assert [line["turns"] for line in await gateway.access(3)] == [3, 1, 1]
