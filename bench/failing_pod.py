"""A pod that fails, one of four: how many pictures it costs until it is found out, and each time it is tried again.

It is losses that count, and nobody's processor: all targets are under load at the same time, each in front of pods of
its own, and neither is pinned. Each run has fresh pods and fresh targets, for those remember.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.children import CannotMeasure, free_port
from bench.figures import spread
from bench.fleet import fleet
from bench.job import JOB
from bench.peers import envoy, haproxy
from bench.report import Column, Table
from bench.targets import GATEWAY, Proxy, gateway_configuration, gateway_pool
from gateway.load.plan import LoadPlan
from gateway.load.sender import run_load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bench.job import Job
    from bench.load import Address
    from bench.report import Cell
    from bench.rounds import Bench
    from bench.targets import Target
    from gateway.load.progress import RunProgress

    #: The manner of the bad pod, and who stands in front of it.
    _Case = tuple[str, str]

_WELL = 3  # pods
_AT_A_TIME = 8
_PICTURES = (40, 400)

#: Seconds a picture. Four hundred take three pods half a minute then: long enough for everybody to try the pod that
#: was ejected again, whether after 4 s, 10 or 30.
_WORK = 0.25

#: Rounds at most.
_ROUNDS = 3

#: Seconds for one picture, from the line to its last byte.
_PATIENCE = 60.0

#: How the pod fails, by its manner.
FAILINGS = {
    "error": "it answers 500 after 20 ms",
    "break": "it closes after a quarter of the time, without an answer",
    "flap": "it answers 500 after 20 ms twice, then well once",
}

_COLUMNS = tuple(
    column for count in _PICTURES for column in (Column(f"lost of {count}"), Column(f"s for all {count}", 1))
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One job."""

    lost: int  # pictures: answers other than 200, and none
    seconds: float


def _gateway(job: Job, **settings: object) -> str:
    return gateway_configuration(job.port, free_port(), {**gateway_pool(job), **settings})


#: HAProxy ejects only what it checks, too: here by a connection every two seconds, which says nothing of answers.
_OBSERVING = "check observe layer7 on-error mark-down error-limit {errors}"

#: In how many ways each target can be told to eject a pod, or not to: what its name gets, and its configuration.
_WAYS: Mapping[str, Mapping[str, Callable[[Job], str]]] = {
    GATEWAY.name: {
        "": _gateway,
        # A pod whose connection breaks is not kept for what it may still be at: as peers do.
        ", quarantine.max 0": partial(_gateway, quarantine={"max": 0}),
        ", health.errors 0": partial(_gateway, health={"errors": 0}),
    },
    "haproxy": {
        ", check": partial(haproxy, checks="check"),
        **{f", error-limit {errors}": partial(haproxy, checks=_OBSERVING.format(errors=errors)) for errors in (3, 5)},
    },
    "envoy": {
        # Its default, a tenth, is none of four pods.
        f", consecutive_5xx {errors}": partial(envoy, detection={"consecutive_5xx": errors, "max_ejection_percent": 50})
        for errors in (3, 5)
    },
}


def contenders(targets: Sequence[Target]) -> list[Proxy]:
    """Those of the targets that can eject a pod, once for each way in which they can be told to."""
    return [
        replace(target, name=f"{target.name}{way}", configuration=configuration)
        for target in targets
        if isinstance(target, Proxy)
        for way, configuration in _WAYS.get(target.name, {}).items()
    ]


async def failing_pod(bench: Bench) -> list[Table]:
    """What one bad pod costs."""
    proxies = contenders(bench.targets)
    runs: dict[int, list[dict[_Case, Outcome | None]]] = {count: [] for count in _PICTURES}
    rounds = min(_ROUNDS, bench.effort.long_runs)
    for _ in range(rounds):
        for count in _PICTURES:
            runs[count].append(await _round(bench, proxies, count))
    least = " and ".join(f"{math.ceil(count / _WELL) * _WORK:g}" for count in _PICTURES)
    note = (
        f"pictures of about {_WORK:g} s, {_AT_A_TIME} at a time, runs: {rounds}; the pods that are well need {least} s"
        " for all, and each that is lost makes it shorter"
    )
    return [
        Table(
            8,
            f"a pod that fails, 1 of {1 + _WELL}: {failing}",
            _COLUMNS,
            {
                proxy.name: [
                    cell for count in _PICTURES for cell in _cells([each[manner, proxy.name] for each in runs[count]])
                ]
                for proxy in proxies
            },
            (note,),
        )
        for manner, failing in FAILINGS.items()
    ]


def _cells(runs: Sequence[Outcome | None]) -> list[Cell]:
    return [
        spread(None if each is None else float(each.lost) for each in runs),
        spread(None if each is None else each.seconds for each in runs),
    ]


async def _round(bench: Bench, proxies: Sequence[Proxy], pictures: int) -> dict[_Case, Outcome | None]:
    """Everybody once, all at the same time, from when all are up."""
    cases = [(manner, proxy) for manner in FAILINGS for proxy in proxies]
    all_up = asyncio.Barrier(len(cases))
    async with contextlib.AsyncExitStack() as stack:
        well = await _pods(stack, bench, "well", _WELL * len(cases))
        bad = {manner: await _pods(stack, bench, manner, len(proxies)) for manner in FAILINGS}
        async with asyncio.TaskGroup() as group:
            tasks = {
                (manner, proxy.name): group.create_task(
                    _one(bench, proxy, [next(bad[manner]), *islice(well, _WELL)], pictures, all_up)
                )
                for manner, proxy in cases
            }
    return {case: task.result() for case, task in tasks.items()}


async def _pods(stack: contextlib.AsyncExitStack, bench: Bench, manner: str, count: int) -> Iterator[Address]:
    pods = await stack.enter_async_context(fleet(count, bench.cores.every, work=_WORK, manner=manner))
    return iter(pods.addresses)


async def _one(
    bench: Bench, proxy: Proxy, pods: Sequence[Address], pictures: int, all_up: asyncio.Barrier
) -> Outcome | None:
    with TemporaryDirectory(prefix="bench-") as folder:
        try:
            async with proxy.stand(pods, 1, bench.cores.every, Path(folder)) as standing:
                await all_up.wait()
                return await paint(standing.addresses[0], pictures)
        except CannotMeasure as error:
            bench.troubled(f"measurement 8, {proxy.name}: {error}")
            await all_up.wait()
            return None


async def paint(address: Address, pictures: int) -> Outcome:
    """So many, eight at a time, without cookies."""
    host, port = address
    plan = LoadPlan(
        f"http://{host}:{port}{JOB}",
        pictures,
        _AT_A_TIME,
        "POST",
        (("Content-Type", "application/json"),),
        b'{"prompt": "pretty dog"}',
        timeout=_PATIENCE,
    )
    result = await run_load(plan, _unseen)
    return Outcome(sum(not one.is_good for one in result.ended), result.seconds)


def _unseen(progress: RunProgress) -> None:
    """Nobody watches."""
