"""Ten thousand requests in line; every third client leaves, and the others are served in order."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

from tests.doubles.fault_pod import fault_pods
from tests.system.callers import callers, job, outcomes
from tests.system.promises import Broken, broken
from tests.system.running_gateway import configuration, running_gateway

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from tests.server.raw_client import RawClient

MANY = 10_000
_PODS = 4
_WITHIN = 300.0

#: This process, and the gateway, need some besides one for each client.
_DESCRIPTORS = MANY + 1000


async def ten_thousand_in_line(directory: Path, dice: random.Random) -> tuple[int, Broken]:
    """Prints what one of them costs in memory."""
    _allow_descriptors()
    listen = {"host": "127.0.0.1", "port": 0, "max_connections": 12_000, "max_connections_per_address": 12_000}
    async with fault_pods(_PODS, work=600) as pods:
        pool = {
            "backends": {"static": [pod.url for pod in pods]},
            "queue": {"limit": MANY, "client_share": 100, "timeout": 600},
            "timeouts": {"response_start": 600},
        }
        async with running_gateway(directory, configuration(pool, listen=listen), within=_WITHIN) as gateway:
            await gateway.ready(_PODS)
            before = gateway.forget_peak()
            async with callers(gateway, MANY + _PODS) as clients:
                for number, client in enumerate(clients):
                    await client.send(job(number))
                await gateway.until(lambda view: view["line"]["waiting"] == MANY, within=_WITHIN)
                print(f"{'':<16} {(gateway.peak - before) / MANY:.1f} KiB for each that waits", flush=True)
                staying = _leave(clients, dice)
                for pod in pods:
                    pod.work = 0.001
                    pod.finish()
                await outcomes(staying)
                found = await broken(gateway, pods, sent=len(clients), quiet_within=_WITHIN)
    return MANY + _PODS, found


def _leave(clients: list[RawClient], dice: random.Random) -> list[RawClient]:
    """Those who stay."""
    leaving = {*dice.sample(range(_PODS, len(clients)), MANY // 3)}
    for number in leaving:
        clients[number].reset()
    return [client for number, client in enumerate(clients) if number not in leaving]


def _allow_descriptors() -> None:
    """What is started from now on inherits it. Raises ValueError if this machine does not allow as many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _DESCRIPTORS:
        resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, hard))
