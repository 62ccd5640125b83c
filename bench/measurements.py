"""The measurements, a function each: what is asked of every target, and which figures are read off it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from bench.children import CannotMeasure
from bench.figures import idle_gaps, ratios, spread
from bench.fleet import fleet
from bench.job import FAST, JOB
from bench.load import request_bytes
from bench.report import Column, Table
from bench.rounds import CLIENTS, load_once, rounds
from bench.targets import GATEWAY, Direct
from gateway.load.statistics import percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.figures import Spread
    from bench.load import Volley
    from bench.report import Cell
    from bench.rounds import Bench, Run
    from bench.targets import Standing

#: The gateway's figure over that of the target in whose row it stands, each of the same round.
_GATEWAY_OVER_IT = "gateway : it"

_T = TypeVar("_T")

_PROMPT = b'{"prompt": "pretty dog"}'


def _over(runs: Sequence[float] | None, reference: Sequence[float] | None) -> Spread | None:
    """Round by round. None if one of them was not measured, or has nothing to compare with."""
    return spread(ratios(runs, reference)) if runs and reference and min(reference) > 0 else None


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
    able, notes = bench.with_a_line()
    tables = [
        await _speed(able, 2, "counted lane: GET, 8 pods, limit 1", 8, request_bytes("GET", JOB)),
        await _speed(able, 2, "counted lane: POST, 8 pods, limit 1", 8, request_bytes("POST", JOB, _PROMPT)),
    ]
    return [replace(table, notes=notes) for table in tables]


_SPEED = (
    Column("requests/s"),
    Column("of direct", 3),
    Column(_GATEWAY_OVER_IT, 2),
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
    rates = _figures(runs, lambda run: run.volley.rate)
    return Table(number, title, _SPEED, {name: _speed_cells(name, each, rates) for name, each in runs.items()})


def _figures(runs: Mapping[str, Sequence[_T]], read: Callable[[_T], float]) -> dict[str, list[float]]:
    return {name: [read(run) for run in each] for name, each in runs.items()}


def _speed_cells(name: str, runs: Sequence[Run], rates: Mapping[str, Sequence[float]]) -> list[Cell]:
    volleys = [run.volley for run in runs]
    return [
        spread(rates[name]),
        _over(rates[name], rates.get(Direct.name)),
        _over(rates.get(GATEWAY.name), rates[name]),
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
    Column(f"p50, {_GATEWAY_OVER_IT}", 2),
    Column(f"p99, {_GATEWAY_OVER_IT}", 2),
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

    @property
    def median(self) -> float:
        """Milliseconds."""
        return percentile(self.gaps, 50) * 1000

    @property
    def late(self) -> float:
        """Milliseconds that one gap of a hundred exceeds."""
        return percentile(self.gaps, 99) * 1000


async def hand_over(bench: Bench) -> list[Table]:
    """How long a pod has nothing to do while others wait for it."""
    request = request_bytes("POST", JOB, _PROMPT)

    async with fleet(_WORKERS, bench.cores.load, work=_WORK) as pods:

        async def once(target: Standing, seconds: float) -> HandOvers:
            clients = _WORKERS if target.name == Direct.name else CLIENTS  # alone, a pod's limit is its client's affair
            await pods.notes()  # of what was before
            run = await load_once(target, request, seconds, clients=clients)
            noted = await pods.notes()
            if not (gaps := idle_gaps(noted.stints)):
                raise CannotMeasure("no pod worked twice")
            return HandOvers(run, gaps, noted.two_at_once)

        able, notes = bench.with_a_line()
        runs = await rounds(able, 3, pods, once)
    title = (
        f"hand-over: {_WORKERS} pods, limit 1, about {_WORK * 1000:g} ms of work, {CLIENTS} clients (direct: one a pod)"
    )
    medians, late = _figures(runs, lambda run: run.median), _figures(runs, lambda run: run.late)
    rows = {
        name: _hand_over_cells(
            each,
            _over(medians.get(GATEWAY.name), medians[name]),
            _over(late.get(GATEWAY.name), late[name]),
        )
        for name, each in runs.items()
    }
    return [Table(3, title, _HAND_OVER, rows, notes)]


def _hand_over_cells(runs: Sequence[HandOvers], median: Spread | None, late: Spread | None) -> list[Cell]:
    return [
        spread(each.run.volley.rate for each in runs),
        spread(each.median for each in runs),
        spread(each.late for each in runs),
        median,
        late,
        spread(each.run.cpu_per_answer for each in runs),
        spread(float(each.two_at_once) for each in runs),
        spread(float(each.run.volley.failed) for each in runs),
    ]


# 4

_MEGABYTE = 1_000_000
_LARGE = 4 * _MEGABYTE
_READERS = 8

_BODIES = (
    Column("MB/s"),
    Column("of direct", 3),
    Column(_GATEWAY_OVER_IT, 2),
    Column("CPU ms/answer", 2),
    Column("core busy", 2),
    Column("failed"),
)


async def bodies(bench: Bench) -> list[Table]:
    """How fast large answers pass."""
    request = request_bytes("GET", FAST)

    async def once(target: Standing, seconds: float) -> Run:
        return await load_once(target, request, seconds, clients=_READERS)

    async with fleet(1, bench.cores.load, size=_LARGE) as pods:
        runs = await rounds(bench, 4, pods, once)
    title = f"bodies: GET of {_LARGE // _MEGABYTE} MB on the exempt lane, {_READERS} clients"
    rates = _figures(runs, lambda run: run.volley.rate * _LARGE / _MEGABYTE)
    return [Table(4, title, _BODIES, {name: _bodies_cells(name, each, rates) for name, each in runs.items()})]


def _bodies_cells(name: str, runs: Sequence[Run], rates: Mapping[str, Sequence[float]]) -> list[Cell]:
    return [
        spread(rates[name]),
        _over(rates[name], rates.get(Direct.name)),
        _over(rates.get(GATEWAY.name), rates[name]),
        spread(None if run.cpu_per_answer is None else run.cpu_per_answer / 1000 for run in runs),
        spread(run.core_busy for run in runs),
        spread(float(run.volley.failed) for run in runs),
    ]
