"""Classifies a Gradio event that may interrupt: only the configuration of the backend that it would go to says so,
and it is read before the event goes there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.core.records.decisions import Ending
from gateway.proxy.pod_request import headers_for
from gateway.proxy.tracking.pod_query import PodQuery
from gateway.proxy.waiting import until_turn

if TYPE_CHECKING:
    from gateway.core.records.backends_and_tickets import Backend, Ticket
    from gateway.profiles.treatment import Control, Functions, More, StoppingProbe
    from gateway.proxy.context import RequestContext
    from gateway.proxy.pool.served_pool import ServedPool

#: The page's own, for a backend that shows its configuration to those who have logged in.
_CREDENTIALS = (b"cookie", b"authorization")


async def control_of(more: More, context: RequestContext, pool: ServedPool, ticket: Ticket) -> Control | None:
    """What the request is about, if it is about jobs. `ticket` is as it was afterwards. Raises as `until_turn`."""
    click, probe = more.click, pool.profile.stopping
    if more.control is not None or click is None or probe is None:
        return more.control
    with pool.driver.slot(replace(ticket)) as slot:  # nothing is taken by it: clicks are not counted
        context.slot = slot
        functions = pool.functions.last if slot.is_waiting else None  # it must not wait to take its job out of the line
        if functions is None:
            await until_turn(context, slot)
            functions = await _functions(context, pool, slot.backend, probe)
        slot.done(Ending.ANSWERED_HERE)
    return click.control if click.is_of(functions) else None


async def _functions(context: RequestContext, pool: ServedPool, backend: Backend, probe: StoppingProbe) -> Functions:
    credentials = [header for header in headers_for(context, pool) if header[0] in _CREDENTIALS]
    headers = (*pool.rules.pod_headers.uncounted, *credentials)
    pod = PodQuery(pool.upstream, backend, headers)
    return await pool.functions.of(backend.identity, pod, probe, pool.driver.pool.backends.keys())
