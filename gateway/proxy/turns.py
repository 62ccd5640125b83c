"""The turns of a request that has its ticket: wait for one, send the request to that backend, relay the answer, and
decide whether there is another turn. What was not started is in line again; what broke may be repeated once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from gateway.core.records.backends_and_tickets import TicketState
from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.proxy.answers.interim import InterimAnswers, is_impatient
from gateway.proxy.cancel_scope import CancelScopes
from gateway.proxy.errors import ClientLeft, Refused, Withdrawn
from gateway.proxy.headers.passed_on import request_headers
from gateway.proxy.relay import NothingStarted
from gateway.proxy.turn import IDEMPOTENT, Turn
from gateway.runtime import driver as runtime
from gateway.upstream.errors import BadAnswer, BrokeBeforeHead, NotSent, UpstreamError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.profiles.treatment import Treatment
    from gateway.proxy.body.stored import Body
    from gateway.proxy.headers.forwarded import Header
    from gateway.proxy.served_pool import ServedPool
    from gateway.proxy.visit import Visit
    from gateway.runtime.driver import Slot


class Turns:
    """Those of one endpoint; the `Owner` of each `Turn`."""

    def __init__(self, spawn: Callable[[str, Callable[[], Awaitable[None]]], None]) -> None:
        """`spawn` runs a task that may outlive its request."""
        self.spawn = spawn
        self.stopping = False
        self.interruptions = CancelScopes()

    def stop(self) -> None:
        """Nothing is started from here on."""
        self.stopping = True

    async def serve(self, visit: Visit, pool: ServedPool, slot: Slot, body: Body, treatment: Treatment) -> Ending:
        """A turn, another one for as long as nothing was started, and one more for what may be repeated. The slot is
        given back by then.

        Raises EdgeError, and UpstreamError if the client is still to be told."""
        counted = treatment.lane is Lane.COUNTED
        may_repeat = visit.method in IDEMPOTENT or treatment.repeatable
        headers = headers_for(visit, pool)  # while it waits: not when a backend does
        broke: UpstreamError | None = None
        while True:
            turn = Turn(visit, pool, slot, body, treatment, headers, self)
            try:
                await _wait_assured(visit, slot)
                if not turn.is_sent:
                    _check_wanted(visit, slot)
                remember(visit, pool, slot)
                return await turn.run()
            except (NotSent, NothingStarted) as error:
                visit.broke(error)
                slot.again()
            except UpstreamError as error:
                is_spent = broke is not None or visit.inbound.received != body.length
                # The slot that broke is kept for as long as it may be at work: alone, it would be waited for.
                is_alone = slot.at_risk > 0 and counted and not pool.driver.pool.has_another(slot.backend)
                if is_spent or is_alone or not may_repeat or not isinstance(error, BrokeBeforeHead):
                    slot.done(ending_of(error), slot.at_risk)
                    raise
                broke = error
                visit.broke(error)
                slot.elsewhere()
            except Refused as refused:
                if broke is not None:  # that nothing was started would not be true
                    raise broke from refused
                raise
            finally:
                turn.close()


def headers_for(visit: Visit, pool: ServedPool) -> list[Header]:
    """What its backend gets; the same for each turn, so ready before one comes."""
    headers = request_headers(
        visit.headers,
        visit.origin,
        request_id=visit.record.request_id.encode(),
        session_cookie=pool.cookies.name,
    )
    headers += pool.rules.pod_headers.of(visit.record.lane)
    return headers


def remember(visit: Visit, pool: ServedPool, slot: Slot) -> None:
    """Where the session is at home whose keys the request names, now that it has its turn."""
    if visit.keys and slot.ticket.session is not None:
        pool.remembered.remember(visit.keys, slot.ticket.session, slot.ticket.home or slot.backend.identity)


async def until_turn(visit: Visit, slot: Slot) -> None:
    """A client that leaves meanwhile leaves the line at once."""
    await _wait(visit, slot)
    _check_wanted(visit, slot)


async def _wait_assured(visit: Visit, slot: Slot) -> None:
    if slot.is_waiting and is_impatient(visit.headers):
        with InterimAnswers(visit.client):
            await _wait(visit, slot)
    else:
        await _wait(visit, slot)


async def _wait(visit: Visit, slot: Slot) -> None:
    try:
        if slot.is_waiting:
            await _turn_or_gone(visit, slot)
        else:
            await slot.turn()
    except runtime.Refused as refused:
        raise Refused(refused.refusal, slot.ticket.place) from None


def _check_wanted(visit: Visit, slot: Slot) -> None:
    if visit.listener.gone:
        slot.done(Ending.CLIENT_LEFT_WAITING)
        raise ClientLeft(Ending.CLIENT_LEFT_WAITING)
    if slot.ticket.state is TicketState.ENDED:
        raise Withdrawn


async def _turn_or_gone(visit: Visit, slot: Slot) -> None:
    if visit.trace is not None:
        visit.trace.waits(cold=visit.pool is not None and visit.pool.driver.pool.is_cold)
    with anyio.CancelScope() as waiting:
        visit.listener.on_gone(waiting.cancel)
        try:
            await slot.turn()
        finally:
            visit.listener.on_gone(None)
            if visit.trace is not None:
                visit.trace.waited(slot.ticket)


def ending_of(error: UpstreamError) -> Ending:
    return Ending.BACKEND_BAD_ANSWER if isinstance(error, BadAnswer) else Ending.BACKEND_BROKE_BEFORE_ANSWER
