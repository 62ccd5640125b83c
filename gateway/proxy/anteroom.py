"""The anteroom: a request for a name that several pools share waits here while none of them is there yet, as for a
Knative Service without a revision that can be served. Nothing of its body is read meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.proxy.errors import Denied
from gateway.proxy.ticketing import patience_of
from gateway.proxy.waiting import until_turn

if TYPE_CHECKING:
    from gateway.proxy.context import RequestContext
    from gateway.proxy.pool.served_pool import ServedPool
    from gateway.proxy.traffic_split import TrafficSplit


async def pool_of(split: TrafficSplit, context: RequestContext) -> ServedPool:
    """One of the pools that share the name, as soon as there is one. Raises Denied, and as `until_turn`."""
    while (chosen := split.choose(context.origin, context.headers)) is None:
        pool = context.pool = split.anteroom
        lane = context.record.lane = pool.profile.treat(context.method, context.sent_path).lane
        if lane is Lane.DENIED:
            raise Denied
        ticket = Ticket(
            Lane.EXEMPT if lane is Lane.COUNTED else lane,
            patience=patience_of(context.headers, pool.rules.longest_wait),
            label=context.record.request_id,
        )
        with pool.driver.slot(ticket) as slot:
            context.slot = slot
            await until_turn(context, slot)
            slot.done(Ending.SERVED)
    context.new_session = chosen.session
    context.record.pool = chosen.pool.name
    return chosen.pool
