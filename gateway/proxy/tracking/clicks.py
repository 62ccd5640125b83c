"""Classifies a click on a page: only the configuration of the backend that it would go to says which function it calls,
and it is read before the click goes there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane, WhenBusy
from gateway.proxy.errors import DeniedClick
from gateway.proxy.pod_request import headers_for
from gateway.proxy.tracking.pod_query import PodQuery
from gateway.proxy.waiting import until_turn

if TYPE_CHECKING:
    from gateway.core.records.backends_and_tickets import Backend, Ticket
    from gateway.profiles.treatment import Click, FunctionsProbe, More, PageFunctions, Treatment
    from gateway.proxy.context import RequestContext
    from gateway.proxy.pool.served_pool import ServedPool

#: The page's own, for a backend that shows its configuration to those who have logged in.
_CREDENTIALS = (b"cookie", b"authorization")


async def settled(treatment: Treatment, context: RequestContext, pool: ServedPool, ticket: Ticket) -> Treatment:
    """What counts of a request that may be a click; `ticket` is in its lane afterwards. Raises DeniedClick, and as
    `until_turn`."""
    more, probe = treatment.more, pool.profile.functions
    if more is None or (click := more.click) is None or probe is None:
        return treatment
    if click.control is None:
        there = await _functions(context, pool, replace(ticket, lane=Lane.EXEMPT), probe)
        return _unless_light(treatment, click, there, context, ticket)
    is_job = treatment.lane is Lane.COUNTED  # it does not wait outside the line for what a backend says
    functions = pool.functions.last if is_job else await _functions(context, pool, ticket, probe)
    if functions is not None and click.is_of(functions.denied):
        context.record.lane = Lane.DENIED
        raise DeniedClick
    if functions is not None and click.is_surely_of(functions.restoring):
        at_job = _at_its_job(ticket, more, pool)
        if click.is_surely_of((await _functions(context, pool, at_job, probe)).restoring):
            return _restored(treatment, more, context, ticket, at_job)
    if functions is None or is_job:
        return treatment
    if click.is_of(functions.stopping):
        return replace(treatment, more=replace(more, control=click.control))
    if click.is_of(functions.working):
        context.record.lane = ticket.lane = Lane.COUNTED
        ticket.when_busy = WhenBusy.WAIT  # it speaks of what its own pod has loaded
        more = replace(more, dialogue=click.dialogue)
        return replace(treatment, lane=Lane.COUNTED, when_busy=WhenBusy.WAIT, more=more)
    return treatment


def _unless_light(
    treatment: Treatment, click: Click, functions: PageFunctions, context: RequestContext, ticket: Ticket
) -> Treatment:
    """A counted call takes no slot if its function runs without the backend's queue."""
    if not click.is_surely_of(functions.light):
        return treatment
    context.record.lane = ticket.lane = Lane.EXEMPT
    return replace(treatment, lane=Lane.EXEMPT)


def _at_its_job(ticket: Ticket, more: More, pool: ServedPool) -> Ticket:
    """The ticket of one that waits for what a job gives: it takes no slot, and goes to the pod that has the job, be
    that home or not."""
    place = pool.jobs.place_of(more.job) if more.job is not None else None
    if place in pool.driver.pool.backends:
        return replace(ticket, lane=Lane.EXEMPT, session=None, home=place, returning=False)
    return replace(ticket, lane=Lane.EXEMPT)


def _restored(treatment: Treatment, more: More, context: RequestContext, ticket: Ticket, at_job: Ticket) -> Treatment:
    context.record.lane = ticket.lane = at_job.lane
    ticket.session, ticket.home, ticket.returning = at_job.session, at_job.home, at_job.returning
    return replace(treatment, lane=at_job.lane, more=replace(more, job=None, dialogue=None))


async def _functions(context: RequestContext, pool: ServedPool, ticket: Ticket, probe: FunctionsProbe) -> PageFunctions:
    with pool.driver.slot(replace(ticket)) as slot:  # nothing is taken by it: these are not counted
        context.slot = slot
        functions = pool.functions.last if slot.is_waiting else None  # it must not wait to take its job out of the line
        if functions is None:
            await until_turn(context, slot)
            functions = await _ask(context, pool, slot.backend, probe)
        slot.done(Ending.ANSWERED_HERE)
    return functions


async def _ask(context: RequestContext, pool: ServedPool, backend: Backend, probe: FunctionsProbe) -> PageFunctions:
    credentials = [header for header in headers_for(context, pool) if header[0] in _CREDENTIALS]
    headers = (*pool.rules.pod_headers.uncounted, *credentials)
    pod = PodQuery(pool.upstream, backend, headers, pool.rules.mounts.root)
    return await pool.functions.of(backend.identity, pod, probe, pool.driver.pool.backends.keys())
