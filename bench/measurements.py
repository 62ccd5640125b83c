"""The measurements, a function each: what is asked of every target, and which figures are read off it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.children import CannotMeasure
from bench.figures import idle_gaps, ratios, spread
from bench.fleet import fleet
from bench.load import request_bytes
from bench.report import Column, Table
from bench.rounds import CLIENTS, load_once, rounds
from bench.targets import FAST, JOB, Direct
from gateway.load.statistics import percentile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.figures import Spread
    from bench.load import Volley
    from bench.report import Cell
    from bench.rounds import Bench, Run
    from bench.targets import Standing

_PROMPT = b'{"prompt": "pretty dog"}'


# 1


async def pass_through(bench: Bench) -> list[Table]:
    """Keep-alive GET on the exempt lane."""
    title, request = "pass-through: GET on the exempt lane", request_bytes("GET", FAST)
    return [
        await _speed(bench, 1, f"{title}, clients keep their cookie", 1, request, keep_cookies=True),
        await _speed(bench, 1, f"{title}, each request a newcomer's", 1, request),
    ]


# 2


async def counted_lane(bench: Bench) -> list[Table]:
    """The lane that takes slots, with everything on."""
    return [
        await _speed(bench, 2, "counted lane: GET, 8 pods, limit 1", 8, request_bytes("GET", JOB)),
        await _speed(bench, 2, "counted lane: POST, 8 pods, limit 1", 8, request_bytes("POST", JOB, _PROMPT)),
    ]


_SPEED = (
    Column("requests/s"),
    Column("of direct", 3),
    Column("CPU µs/request", 1),
    Column("core busy", 2),
    Column("p50 ms", 2),
    Column("p99 ms", 2),
    Column("failed"),
)


async def _speed(
    bench: Bench, number: int, title: str, count: int, request: bytes, *, keep_cookies: bool = False
) -> Table:
    async def once(target: Standing, seconds: float) -> Run:
        return await load_once(target, request, seconds, keep_cookies=keep_cookies)

    async with fleet(count, bench.cores.load) as pods:
        runs = await rounds(bench, number, pods, once)
    direct = [run.volley.rate for run in runs.get(Direct.name, ())]
    return Table(number, title, _SPEED, {name: _speed_cells(each, direct) for name, each in runs.items()})


def _speed_cells(runs: Sequence[Run], direct: Sequence[float]) -> list[Cell]:
    volleys = [run.volley for run in runs]
    return [
        spread(volley.rate for volley in volleys),
        spread(ratios([volley.rate for volley in volleys], direct)) if direct else None,
        spread(run.cpu_per_answer for run in runs),
        spread(run.core_busy for run in runs),
        _latency(volleys, 50),
        _latency(volleys, 99),
        spread(float(volley.failed) for volley in volleys),
    ]


def _latency(volleys: Sequence[Volley], percent: int) -> Spread | None:
    return spread(percentile(sorted(volley.latencies), percent) * 1000 for volley in volleys)


# 3

_HAND_OVER = (
    Column("requests/s", 1),
    Column("idle gap p50 ms", 3),
    Column("idle gap p99 ms", 3),
    Column("CPU µs/request", 1),
    Column("two at once"),
    Column("failed"),
)
_WORKERS, _WORK = 4, 0.02


@dataclass(frozen=True, slots=True)
class HandOvers:
    """One target under load on pods that work, once."""

    run: Run
    gaps: Sequence[float]  # seconds that a pod had nothing to do, ascending; never empty
    two_at_once: int


async def hand_over(bench: Bench) -> list[Table]:
    """How long a pod has nothing to do while others wait for it."""
    request = request_bytes("POST", JOB, _PROMPT)

    async with fleet(_WORKERS, bench.cores.load, work=_WORK) as pods:

        async def once(target: Standing, seconds: float) -> HandOvers:
            clients = _WORKERS if target.name == Direct.name else CLIENTS  # alone, a pod's limit is its client's affair
            await pods.notes()  # of what was before
            run = await load_once(target, request, seconds, clients=clients)
            notes = await pods.notes()
            if not (gaps := idle_gaps(notes.stints)):
                raise CannotMeasure("no pod worked twice")
            return HandOvers(run, gaps, notes.two_at_once)

        runs = await rounds(bench, 3, pods, once)
    title = (
        f"hand-over: {_WORKERS} pods, limit 1, about {_WORK * 1000:g} ms of work, {CLIENTS} clients (direct: one a pod)"
    )
    return [Table(3, title, _HAND_OVER, {name: _hand_over_cells(each) for name, each in runs.items()})]


def _hand_over_cells(runs: Sequence[HandOvers]) -> list[Cell]:
    return [
        spread(each.run.volley.rate for each in runs),
        spread(percentile(each.gaps, 50) * 1000 for each in runs),
        spread(percentile(each.gaps, 99) * 1000 for each in runs),
        spread(each.run.cpu_per_answer for each in runs),
        spread(float(each.two_at_once) for each in runs),
        spread(float(each.run.volley.failed) for each in runs),
    ]
