"""Waves of everything at once against one gateway that lives through all of them: pods that misbehave, a network that
breaks, clients that leave, drip or do not read."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from tests.doubles.fault_pod import FaultPod, fault_pods
from tests.doubles.fault_proxy import Act, Fault, FaultProxy, fault_proxy
from tests.system.callers import callers, job, outcomes
from tests.system.promises import Broken, broken
from tests.system.running_gateway import RunningGateway, configuration, running_gateway

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from tests.server.raw_client import RawClient

_JOBS = 300
_DEAF = 4
_DRIPS = 10
_LEAVE = 0.3
_MISBEHAVE = 0.06
_WAYS = ("reset_before", "close_before", "bad_http", "reset_in", "close_in", "mute", "fails", "extra_bytes", "early")

#: Seconds for everything that broke in a wave to be known to be over.
_QUIET_WITHIN = 60.0


class Siege:
    """One gateway, six pods, three of them behind a bad network."""

    def __init__(self, gateway: RunningGateway, pods: Sequence[FaultPod], proxies: Sequence[FaultProxy]) -> None:
        self.gateway = gateway
        self._pods = pods
        self._proxies = proxies
        self._sent = 0
        self._known = Broken()

    async def wave(self, dice: random.Random) -> tuple[int, Broken]:
        """Requests sent, and what this wave has broken."""
        self._set_faults(dice)
        for pod in self._pods:
            pod.work = 60
        async with callers(self.gateway, _JOBS + _DEAF + _DRIPS) as clients:
            jobs, others = clients[:_JOBS], clients[_JOBS:]
            await self._line_up(jobs, dice)
            for number, client in enumerate(others[:_DEAF]):
                await client.send(job(f"deaf {self._sent + number}", behave="big"))
                client.stop_reading()
            dripping = [asyncio.create_task(_drip(client)) for client in others[_DEAF:]]
            self._release(jobs, dice)
            await outcomes(jobs)
            await asyncio.gather(*dripping)
            self._sent += len(clients)
            now = await broken(self.gateway, self._pods, sent=self._sent, quiet_within=_QUIET_WITHIN)
        return len(clients), self._new(now)

    def _set_faults(self, dice: random.Random) -> None:
        """A few of the jobs' connections break at some byte, either way."""
        for proxy in self._proxies:
            said, answered = dice.choice([(dice.randrange(200), 10_000), (10_000, dice.randrange(60))])
            proxy.faults = [Fault(dice.choice([*Act]), said, answered, to=b"-%d\r\n" % dice.randrange(10))]

    async def _line_up(self, clients: Sequence[RawClient], dice: random.Random) -> None:
        """All are in line before anything happens, so that each is known to have been heard."""
        for number, client in enumerate(clients):
            behave = dice.choice(_WAYS) if dice.random() < _MISBEHAVE else "well"
            await client.send(job(f"{self._sent + number}-{number % 50}", behave=behave))
        while await self._heard() < self._sent + len(clients):  # noqa: ASYNC110  (nobody could set an event)
            await asyncio.sleep(0.05)

    async def _heard(self) -> float:
        ended = await self.gateway.total("gateway_requests_total")
        view = await self.gateway.snapshot()
        return ended + float(view["line"]["waiting"] + view["in_flight"])

    def _release(self, clients: Sequence[RawClient], dice: random.Random) -> None:
        """At each job that begins, somebody leaves."""
        leavers = [client for client in clients if dice.random() < _LEAVE]
        dice.shuffle(leavers)

        def somebody_leaves(line: str) -> None:
            if line.startswith("job ") and leavers:
                leaver = leavers.pop()
                with contextlib.suppress(OSError):  # it was served, and its connection is over
                    leaver.half_close() if dice.random() < 0.5 else leaver.reset()

        for pod in self._pods:
            pod.work = 0.02
            pod.told = somebody_leaves
            pod.finish()

    def _new(self, now: Broken) -> Broken:
        """The pods and the gateway count from the beginning; slots are what they are."""
        before, self._known = self._known, now
        return Broken(
            double_runs=now.double_runs - before.double_runs,
            sent_twice=now.sent_twice - before.sent_twice,
            missing=now.missing - before.missing,
            leaked=now.leaked,
            inversions=now.inversions - before.inversions,
        )


async def _drip(client: RawClient) -> None:
    """Until it is told off."""
    await client.send(job("drip", body=b"x" * 100_000)[:-100_000])
    answered = asyncio.ensure_future(outcomes([client]))
    while not answered.done():
        with contextlib.suppress(ConnectionError):
            await client.send(b"x")
        await asyncio.sleep(0.05)


@asynccontextmanager
async def siege(directory: Path, within: float) -> AsyncIterator[Siege]:
    """`within`: seconds for all of its waves."""
    async with fault_pods(6) as pods, AsyncExitStack() as stack:
        proxies = [await stack.enter_async_context(fault_proxy(pod)) for pod in pods[:3]]
        pool = {
            "profile": "a1111",
            "backends": {"static": [*(proxy.url for proxy in proxies), *(pod.url for pod in pods[3:])]},
            "timeouts": {"response_start": 10, "idle": 1, "write_stall": 0.5, "body_idle": 0.5, "total": 20},
            "drain_timeout": 0.3,
        }
        async with running_gateway(directory, configuration(pool), within=within) as gateway:
            await gateway.ready(6)
            yield Siege(gateway, pods, proxies)
