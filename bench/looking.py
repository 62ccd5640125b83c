"""What it costs the gateway's loop to be looked at: processor time of one frame of the operators' page, of a snapshot
and of a scrape, at a thousand pods and ten thousand requests in line.

Peers have no part in this, and no socket has: pools, feed and operators' app are real, the crowd is made here, and
between two looks a quarter of a second passes in which pods end their work and take the next.
"""

from __future__ import annotations

import gc
import itertools
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from bench.figures import spread
from bench.report import Column, Table
from gateway.core.policy import Policy
from gateway.core.pool import Pool
from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import Listed
from gateway.core.records.receipt import receipt_of
from gateway.core.views.page_summary import level_of
from gateway.core.views.record import RequestRecord
from gateway.core.views.snapshot import view_of
from gateway.metrics.collector import SnapshotCollector
from gateway.metrics.instruments import new_registry
from gateway.ops.admin import Admin
from gateway.ops.app import operators_app
from gateway.ops.event_stream import EventStream
from gateway.ops.guard import Guard
from gateway.ops.live import PERIOD, LiveFeed
from gateway.ops.orders import Orders
from gateway.ops.recent import RecentRequests
from gateway.ops.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from bench.rounds import Bench

    #: Told at the end of each stretch how many bytes it brought.
    Told = Callable[[int], None]
    Look = Callable[[Told], Awaitable[None]]

PODS, WAITING, VIEWERS = 1_000, 10_000, 5

#: Seconds that a piece of work takes: one pod in four is done between two frames.
_WORK = 4 * PERIOD

_COLUMNS = (Column("CPU ms", 2), Column("longest stretch ms", 2), Column("KiB"))


@dataclass
class Crowd:
    """One pool, all of whose pods are at work, and its line; half of those who wait have a home that is busy."""

    now: float = 1000.0
    pool: Pool = field(init=False)
    recent: RecentRequests = field(init=False, default_factory=RecentRequests)
    _numbers: itertools.count[int] = field(init=False, default_factory=itertools.count)

    def __post_init__(self) -> None:
        names = [f"stable-diffusion-7d9f8-{number:05x}" for number in range(PODS)]
        self.pool = Pool("stable-diffusion", Policy(limit=1, line_limit=2 * WAITING), self.now)
        listing = [Listed(name, f"10.0.{n // 250}.{n % 250}:7860", name, ready=True) for n, name in enumerate(names)]
        self.pool.replace_backends(listing, self.now)
        for _ in range(PODS + WAITING):
            self._arrive()

    def goes_on(self) -> None:
        """A quarter of a second: who has worked for long enough is done, and as many come."""
        self.now += PERIOD
        at_work = [ticket for backend in self.pool.backends.values() for ticket in backend.in_flight]
        done = sorted(at_work, key=lambda ticket: ticket.granted_at)[: round(PODS * PERIOD / _WORK)]
        for ticket in done:
            self.recent.observe(_record(ticket, self.now))
            self.pool.leave(ticket, self.now, Ending.SERVED)
            self._arrive()

    def _arrive(self) -> None:
        number = next(self._numbers)
        homes = list(itertools.islice(self.pool.backends, number % PODS, number % PODS + 1))
        ticket = Ticket(
            Lane.COUNTED,
            session=f"session {number}",
            home=homes[0] if number % 2 else None,
            returning=True,
            label=f"3f2a9c1e-{number:08x}",
            rule="POST /sdapi/v1/txt2img",
        )
        self.pool.arrive(ticket, self.now)


async def looking(bench: Bench) -> list[Table]:
    """A frame of the page, with nobody and with five who watch; a snapshot; a scrape."""
    crowd = Crowd()
    gc.collect()
    gc.freeze()  # as the gateway does, and so that no look pays for the making of the crowd
    timeline = Timeline(lambda: [(crowd.pool.name, level_of(crowd.pool, crowd.now))], dict)
    feed = LiveFeed(
        pools=lambda: [crowd.pool],
        scalers=dict,
        status=lambda: (True, "serving"),
        stale=dict,
        hears=lambda: None,
        recent=crowd.recent,
        timeline=timeline,
        clock=lambda: crowd.now,
        admin=True,
    )
    registry = new_registry()
    registry.register(SnapshotCollector(lambda: [view_of(crowd.pool, crowd.now, shown=0)], dict))
    app = operators_app(
        views=lambda: [view_of(crowd.pool, crowd.now)],
        figures=lambda: [view_of(crowd.pool, crowd.now, shown=0)],
        scaler_views=dict,
        registry=registry,
        ready=lambda: (True, "serving"),
        release=lambda pool, backend: False,
        explain=crowd.recent.explain,
        live=EventStream(feed),
        admin=Admin(None, Orders(list)),
        stale=dict,
        knative=dict,
        guard=Guard(),
    )

    async def nobody(told: Told) -> None:
        """What is kept for those who may come: a point of the curve."""
        timeline.add_points()
        told(0)

    async def five(told: Told) -> None:
        """One frame, and what each of them is sent of it."""
        frame = feed.frame()
        told(sum(len(frame.after(frame.number - 1)) for _ in range(VIEWERS)) // VIEWERS)

    async def get(path: str, told: Told) -> None:
        async def send(message: MutableMapping[str, Any]) -> None:
            told(len(message.get("body", b"")))

        await app(_request(path), _nothing, send)

    looks: dict[str, Look] = {
        "page, 0 viewers": nobody,
        f"page, {VIEWERS} viewers": five,
        "/api/snapshot": partial(get, "/api/snapshot"),
        "/metrics": partial(get, "/metrics"),
    }
    rows = {}
    for name, look in looks.items():
        costs = [await _cost(crowd, look) for _ in range(20 * bench.effort.rounds)]
        rows[name] = [
            spread(cost.seconds * 1000 for cost in costs),
            spread(cost.longest * 1000 for cost in costs),
            spread(cost.size / 1024 for cost in costs),
        ]
    title = f"looking: processor time of one look, {PODS:,} pods, {WAITING:,} waiting, 1,000 requests a second"
    notes = [
        f"the page is looked at {1 / PERIOD:g} times a second, by all viewers together",
        "the longest stretch is what others wait for: between two of them the loop has its turn",
    ]
    return [Table(7, title, _COLUMNS, rows, notes)]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one look, in seconds of this process's processor time."""

    seconds: float
    longest: float  # in one stretch
    size: int  # bytes


async def _cost(crowd: Crowd, look: Look) -> Cost:
    crowd.goes_on()
    times, sizes = [time.process_time()], [0]

    def told(size: int) -> None:
        times.append(time.process_time())
        sizes.append(size)

    await look(told)
    stretches = [end - begin for begin, end in itertools.pairwise(times)]
    return Cost(sum(stretches), max(stretches), sum(sizes))


def _record(ticket: Ticket, now: float) -> RequestRecord:
    assert ticket.backend is not None
    return RequestRecord(
        ticket.label,
        "192.0.2.1",
        "POST",
        b"/sdapi/v1/txt2img",
        "sd.example.com",
        pool="stable-diffusion",
        lane=ticket.lane,
        session="5d41402a",
        backend=ticket.backend.name,
        turns=1,
        waited=ticket.granted_at - ticket.arrived_at,
        granted_at=ticket.granted_at,
        service=now - ticket.granted_at,
        place=ticket.place,
        status=200,
        bytes_in=200,
        bytes_out=1_000_000,
        ending=Ending.SERVED,
        started_at=ticket.arrived_at,
        ended_at=now,
        receipt=receipt_of(ticket),
    )


def _request(path: str) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
        "root_path": "",
        "scheme": "http",
        "server": ("127.0.0.1", 9090),
        "client": ("127.0.0.1", 1),
        "http_version": "1.1",
    }


async def _nothing() -> dict[str, Any]:
    """Who looks stays."""
    await anyio.sleep_forever()
    raise AssertionError
