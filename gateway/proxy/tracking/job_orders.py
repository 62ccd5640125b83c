"""Orders about jobs: how far one is, stop it, take it out of the line. `profiles.treatment.Control` has the rules;
here they meet the jobs that there are.

An order that goes to a pod goes to the one where the job runs, or nowhere: another pod would stop another's job. While
it is on its way the job keeps its slot, or it would stop the next one.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio

from gateway.core.records.decisions import Ending
from gateway.profiles.treatment import ColdStart, Place, Verb

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from gateway.core.pool import Pool
    from gateway.core.records.backends_and_tickets import Ticket
    from gateway.profiles.treatment import Control, LocalAnswer
    from gateway.proxy.context import RequestContext
    from gateway.proxy.pool.jobs import JobInHand
    from gateway.proxy.pool.served_pool import ServedPool
    from gateway.runtime.driver import Slot

#: Seconds for a backend to take an order. So long, at most, a slot is kept from the next in line.
ORDER_TIMEOUT = 10.0


class Order:
    """One such request, judged. `answer`: what the gateway says to it; None: it goes to a backend."""

    def __init__(self, control: Control, answer: LocalAnswer | None, job: JobInHand | None) -> None:
        self.answer = answer
        self._control = control
        self._job = job  # the running one that it is about

    def missed(self, slot: Slot) -> LocalAnswer | None:
        """The answer to an order that would not reach its job: the job has ended, or its pod takes nothing. None: it
        reaches it."""
        job = self._job
        if job is None or self._control.verb is Verb.WATCH or job.runs_on is slot.ticket.backend:
            return None
        return self._control.foreign

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """While the backend is told, and obeys."""
        if self._job is None or self._control.verb is Verb.WATCH:
            yield
            return
        told = anyio.Event()
        loop = asyncio.get_running_loop()
        patience = loop.call_later(ORDER_TIMEOUT, told.set)
        self._job.keep_until(told)
        try:
            yield
        finally:
            patience.cancel()
            if self._control.lag:
                loop.call_later(self._control.lag, told.set)
            else:
                told.set()


def judged(control: Control, pool: ServedPool, ticket: Ticket, address: str = "") -> Order:
    """`ticket`: of the request itself; it is sent to where the job runs. Those that are to be taken out of the line
    are, at once. `address`: of who asks; a job without a session is owned by its client's."""
    session = ticket.session if ticket.returning else None
    about = _about(control, pool, session, address)
    running = next((job for job in about if job.runs_on is not None), None)
    waiting = [job for job in about if job.is_waiting]
    if running is not None and control.verb is not Verb.UNQUEUE:
        for job in waiting if control.jobs and control.verb is Verb.STOP else ():
            job.withdraw()
        if control.unseen is not None and not pool.driver.pool.is_ready(running.slot.backend):
            return Order(control, control.unseen, None)
        ticket.session, ticket.home, ticket.returning = None, running.slot.backend.identity, False
        return Order(control, None, running)
    if waiting:
        answer = control.held(place_of(waiting[0].slot.ticket, pool.driver.pool, pool.driver.clock()))
        if control.verb is not Verb.WATCH:
            for job in waiting:
                job.withdraw()
        return Order(control, answer, None)
    return Order(control, _of_nobody(control, pool), None)


async def carried_out(
    control: Control,
    context: RequestContext,
    pool: ServedPool,
    ticket: Ticket,
    *,
    serve: Callable[[Slot], Awaitable[Ending]],
    say: Callable[[LocalAnswer], Awaitable[None]],
) -> Ending:
    """A request about jobs: to the backend that works on them (`serve`), or answered here (`say`)."""
    order = judged(control, pool, ticket, context.record.client)
    answer = order.answer
    if answer is None:
        with pool.driver.slot(ticket) as slot, order.under_way():
            context.slot = slot
            if (answer := order.missed(slot)) is None:
                return await serve(slot)
            slot.done(Ending.NOT_YOURS)
    await say(answer)
    return Ending.NOT_YOURS if answer is control.foreign else Ending.ANSWERED_HERE


def _of_nobody(control: Control, pool: ServedPool) -> LocalAnswer | None:
    """The answer about a job that is neither here nor at work."""
    if control.verb is not Verb.WATCH:
        return control.foreign
    if control.over is not None and any(pool.jobs.was_on(name) == "" for name in control.jobs):
        return control.over
    start = _cold_start(pool.driver.pool, pool.driver.clock())
    if control.starting is None or start is None or any(pool.jobs.was_on(name) is not None for name in control.jobs):
        return None
    return control.starting(start)


def _cold_start(pool: Pool, now: float) -> ColdStart | None:
    return ColdStart(pool.cold_left(now)) if pool.is_cold else None


def place_of(ticket: Ticket, pool: Pool, now: float) -> Place:
    """A ticket's place in line."""
    position = pool.position(ticket)
    return Place(position, pool.waiting, pool.expected_wait_of(ticket, now), _cold_start(pool, now))


def _about(control: Control, pool: ServedPool, session: str | None, address: str) -> list[JobInHand]:
    """Anybody who knows a job's name may watch it, as at the backend itself; to stop it, it must be theirs: of
    their session, or, where neither has one, of their address."""
    if not control.jobs:
        return list(pool.jobs.of(session))
    named = [job for name in control.jobs for job in pool.jobs.named(name)]
    if control.verb is Verb.WATCH:
        return named
    if session is not None:
        return [job for job in named if job.session == session]
    return [job for job in named if job.session is None and job.address == address]
