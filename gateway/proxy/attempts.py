"""The attempts of a request that has its ticket: wait for a turn, send the request to that backend, relay the
answer, and decide whether there is another turn. A request that was not started is in line again; one that broke may
be repeated once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.records.lanes import Lane
from gateway.proxy import model_order
from gateway.proxy.cancel_scope import CancelScopes
from gateway.proxy.endings import ending_of
from gateway.proxy.errors import Refused
from gateway.proxy.pod_request import headers_for
from gateway.proxy.relay import NothingStarted
from gateway.proxy.ticketing import remember
from gateway.proxy.turn import IDEMPOTENT, Turn
from gateway.proxy.waiting import check_wanted, wait_assured
from gateway.upstream.errors import BrokeBeforeHead, NotSent, UpstreamError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.core.records.decisions import Ending
    from gateway.profiles.treatment import Treatment
    from gateway.proxy.body.stored import Body
    from gateway.proxy.context import RequestContext
    from gateway.proxy.pool.served_pool import ServedPool
    from gateway.runtime.driver import Slot


class Attempts:
    """The attempts of one endpoint; the `Owner` of each `Turn`."""

    def __init__(self, spawn: Callable[[str, Callable[[], Awaitable[None]]], None]) -> None:
        """`spawn` runs a task that may outlive its request."""
        self.spawn = spawn
        self.stopping = False
        self.scopes = CancelScopes()

    def stop(self) -> None:
        """Nothing is started from here on."""
        self.stopping = True

    async def serve(
        self, context: RequestContext, pool: ServedPool, slot: Slot, body: Body, treatment: Treatment
    ) -> Ending:
        """A turn, another one for as long as nothing was started, and one more for what may be repeated. The slot is
        given back by then.

        Raises EdgeError, and UpstreamError if the client is still to be told."""
        counted = treatment.lane is Lane.COUNTED
        may_repeat = context.method in IDEMPOTENT or treatment.repeatable
        headers = headers_for(context, pool)  # while it waits: not when a backend does
        broke: UpstreamError | None = None
        while True:
            turn = Turn(context, pool, slot, body, treatment, headers, self)
            try:
                await wait_assured(context, slot)
                if not turn.is_sent:
                    check_wanted(context, slot)
                remember(context, pool, slot, treatment.more)
                if counted and not turn.is_sent and await pool.page_sockets.gathered(slot.ticket, context.keys):
                    check_wanted(context, slot)
                if not turn.is_sent:
                    await model_order.carried_out(context, pool, slot, headers)
                return await turn.run()
            except (NotSent, NothingStarted) as error:
                context.broke(error)
                slot.again()
            except UpstreamError as error:
                is_spent = broke is not None or context.request_body.received != body.length
                # The slot that broke is kept for as long as it may be at work: alone, it would be waited for.
                is_alone = slot.at_risk > 0 and counted and not pool.driver.pool.has_another(slot.backend)
                if is_spent or is_alone or not may_repeat or not isinstance(error, BrokeBeforeHead):
                    slot.done(ending_of(error), slot.at_risk)
                    raise
                broke = error
                context.broke(error)
                slot.elsewhere()
            except Refused as refused:
                if broke is not None:  # that nothing was started would not be true
                    raise broke from refused
                raise
            finally:
                turn.close()
