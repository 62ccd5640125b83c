"""One core, two drivers: the same trace on the event loop and in virtual time brings the same decisions about the same
tickets, on the same backends, in the same order and at the same times.
"""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import trio

from gateway.core.pool import Pool
from gateway.core.records.decisions import Ending, Reason, Refusal
from gateway.runtime import driver as runtime
from gateway.simulation import driver as simulation
from gateway.simulation.loop import Loop
from tests.doubles.recorded_trace import SECONDS, Life, Trace
from tests.doubles.virtual_time import virtual_time

if TYPE_CHECKING:
    from gateway.core.records.backends_and_tickets import Backend, Ticket

SEEDS = range(1, 11)

#: When, about whom, and what: the name of a backend, or why not and when to ask again.
Log = list[tuple[float, str, str | tuple[Reason, int]]]


def what(refusal: Refusal | None, backend: Backend | None) -> str | tuple[Reason, int]:
    if refusal is not None:
        return refusal.reason, refusal.retry_after
    assert backend is not None
    return backend.name


# In virtual time


class Simulated:
    """A request whose steps are happenings."""

    def __init__(self, life: Life, driver: simulation.Driver, log: Log) -> None:
        self.ticket = life.ticket()
        self._driver = driver
        self._log = log
        driver.loop.at(life.arrives_at, lambda: driver.arrive(self.ticket, self))
        for at, step in life.steps:
            driver.loop.at(at, partial(self._take, step))

    def turn(self, backend: Backend) -> None:
        self._log.append((self._driver.loop.now, self.ticket.label, what(None, backend)))

    def refused(self, refusal: Refusal) -> None:
        self._log.append((self._driver.loop.now, self.ticket.label, what(refusal, None)))

    def _take(self, step: str) -> None:
        if step == "give back":
            self._driver.give_back(self.ticket)
        elif step == "retry":
            self._driver.retry(self.ticket, 8.0)
        else:
            self.ticket.status = 500 if step == "leave, failed" else 200
            self._driver.leave(self.ticket, Ending.SERVED, 8.0 if step == "leave, at risk" else 0.0)


def simulate(trace: Trace) -> tuple[Log, Pool]:
    loop, log = Loop(), Log()
    driver = simulation.Driver(Pool("sd", trace.policy, loop.now), loop)
    for life in trace.lives:
        Simulated(life, driver, log)
    for at, method, arguments in trace.told:
        loop.at(at, partial(getattr(driver, method), *arguments))
    loop.run(2 * SECONDS)
    return log, driver.pool


# On the event loop


class WrittenDown(runtime.Slot):
    """A slot that keeps what its driver says."""

    def __init__(self, driver: runtime.Driver, ticket: Ticket, log: Log) -> None:
        super().__init__(driver, ticket, None)
        self._log = log

    def wake(self, refusal: Refusal | None) -> None:
        self._log.append((trio.current_time(), self.ticket.label, what(refusal, self.ticket.backend)))
        super().wake(refusal)


async def live(life: Life, driver: runtime.Driver, log: Log) -> None:
    """A request as a task: it waits and works until its next step is due."""
    await anyio.sleep_until(life.arrives_at)
    with WrittenDown(driver, life.ticket(), log) as slot, suppress(runtime.Refused):
        for at, step in life.steps:
            with anyio.CancelScope(deadline=at):
                await slot.turn()
                await anyio.sleep_forever()
            slot.at_risk = 8.0
            if step == "give back":
                slot.again()
            elif step == "retry":
                slot.elsewhere()
        slot.ticket.status = 500 if step == "leave, failed" else 200
        slot.done(Ending.SERVED, 8.0 if step == "leave, at risk" else 0.0)


async def tell(at: float, method: str, arguments: tuple[Any, ...], driver: runtime.Driver) -> None:
    await anyio.sleep_until(at)
    getattr(driver, method)(*arguments)


async def run(trace: Trace) -> tuple[Log, Pool]:
    log = Log()
    driver = runtime.Driver(Pool("sd", trace.policy, trio.current_time()), trio.current_time)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(driver.run)
        for life in trace.lives:
            tasks.start_soon(live, life, driver, log)
        for at, method, arguments in trace.told:
            tasks.start_soon(tell, at, method, arguments, driver)
        await anyio.sleep_until(2 * SECONDS)
        tasks.cancel_scope.cancel()
    return log, driver.pool


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time()


@pytest.mark.anyio
@pytest.mark.parametrize("seed", SEEDS)
async def test_the_same_trace_brings_the_same_decisions(seed: int) -> None:
    assert trio.current_time() == 0.0
    simulated, its_pool = simulate(Trace(random.Random(seed)))
    real, pool = await run(Trace(random.Random(seed)))

    assert real == simulated
    assert (pool.counts, pool.demand) == (its_pool.counts, its_pool.demand)


def test_the_traces_have_everything_in_them() -> None:
    reasons, counts = set[Reason](), Counter[str]()
    for seed in SEEDS:
        log, pool = simulate(Trace(random.Random(seed)))
        reasons |= {said[0] for _, _, said in log if not isinstance(said, str)}
        counts.update(asdict(pool.counts))
    assert reasons == {*Reason} - {Reason.BYTES_FULL, Reason.CLIENT_FULL, Reason.EXPELLED}
    assert (counts.pop("exclusivity_broken"), counts.pop("order_broken")) == (0, 0)
    assert min(counts.values()) > 0
