"""A thousand wait, and every second one loses patience: the others are served as if those had never come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.records.decisions import Ending
from tests.doubles.eventually import eventually
from tests.doubles.fault_pod import FaultPod, fault_pods
from tests.system.callers import callers, job, outcomes
from tests.system.promises import NOTHING, broken
from tests.system.running_gateway import configuration, running_gateway

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.anyio

_MANY = 1000


def fronting(pods: Sequence[FaultPod]) -> dict[str, Any]:
    return configuration(
        {"backends": {"static": [pod.url for pod in pods]}, "queue": {"limit": _MANY, "client_share": 100}}
    )


@pytest.mark.parametrize("leave", ["reset", "half_close"])
async def test_every_second_of_a_thousand_leaves(leave: str, tmp_path: Path) -> None:
    async with fault_pods(2, work=60) as pods, running_gateway(tmp_path, fronting(pods)) as gateway:
        await gateway.ready(2)
        descriptors = gateway.descriptors
        async with callers(gateway, 2 + _MANY) as (first, second, *clients):
            for number, client in enumerate((first, second)):
                await client.send(job(f"long-{number}"))
            await eventually(lambda: all(pod.is_working for pod in pods))
            for number, client in enumerate(clients):
                await client.send(job(number))
            await gateway.until(lambda view: view["line"]["waiting"] == _MANY)

            leaving, staying = clients[::2], clients[1::2]
            for client in leaving:
                getattr(client, leave)()
            await gateway.until(lambda view: view["line"]["waiting"] == _MANY / 2)
            for pod in pods:
                pod.work = 0.003
                pod.finish()
            assert await outcomes((first, second, *staying)) == [200] * (2 + _MANY // 2)

        await eventually(lambda: gateway.descriptors <= descriptors + 2)  # the operators' connection may be another
        assert {int(job.key) % 2 for pod in pods for job in pod.jobs if job.key.isdigit()} == {1}
        assert await broken(gateway, pods, sent=2 + _MANY) == NOTHING
        assert await gateway.total("gateway_requests_total", code=Ending.CLIENT_LEFT_WAITING.value) == _MANY / 2


async def test_clients_leave_while_they_are_served_and_while_they_wait(tmp_path: Path) -> None:
    """At each job that begins somebody leaves: whose job it is, or who waits a few places behind."""
    async with fault_pods(3, work=0.01) as pods, running_gateway(tmp_path, fronting(pods)) as gateway:
        await gateway.ready(3)
        async with callers(gateway, 300) as clients:

            def somebody_leaves(line: str) -> None:
                word, key, *_ = line.split()
                number = int(key) if word == "job" else len(clients)
                leaver = number if number % 2 else number + 20
                if leaver < len(clients):
                    clients[leaver].reset()

            for pod in pods:
                pod.told = somebody_leaves
            for number, client in enumerate(clients):
                await client.send(job(number))
            found = await outcomes(clients)
            assert set(found) == {200, 0}
        assert await broken(gateway, pods, sent=300) == NOTHING
        assert await gateway.total("gateway_requests_total", outcome="served") == found.count(200)
        assert await gateway.total("gateway_requests_total", outcome="client_gone") == found.count(0)
