"""Everything at once, as a bad day brings it: a long line, impatient clients, pods that break off and work on."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.doubles.fault_pod import fault_pods
from tests.system.callers import callers, job, outcomes
from tests.system.promises import NOTHING, broken
from tests.system.running_gateway import configuration, running_gateway

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

_REQUESTS = 600
_LEAVE = 0.3
_BREAK = 0.03
_BREAKS = ("reset_before", "close_before", "bad_http", "reset_in", "close_in")


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_promise_is_broken(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    behaviours = [chance.choice(_BREAKS) if chance.random() < _BREAK else "well" for _ in range(_REQUESTS)]
    leavers = {number for number in range(_REQUESTS) if chance.random() < _LEAVE}
    async with fault_pods(6, work=0.03) as pods:
        # All of them come from one address.
        queue = {"client_share": 100}
        pool = {"profile": "a1111", "backends": {"static": [pod.url for pod in pods]}, "queue": queue}
        async with running_gateway(tmp_path, configuration(pool)) as gateway, callers(gateway, _REQUESTS) as clients:
            await gateway.ready(6)

            def somebody_leaves(line: str) -> None:
                """At each job that begins: its own client, or one from anywhere in line."""
                word, key, *_ = line.split()
                if word == "job" and leavers:
                    number = int(key) if int(key) in leavers else chance.choice(sorted(leavers))
                    leavers.discard(number)
                    clients[number].reset()

            for pod in pods:
                pod.told = somebody_leaves
            for number, client in enumerate(clients):
                await client.send(job(number, behave=behaviours[number]))
            found = await outcomes(clients)
            assert set(found) == {200, 502, 0}
            assert await broken(gateway, pods, sent=_REQUESTS) == NOTHING
            assert await gateway.total("gateway_quarantine_expired_total") == 0
