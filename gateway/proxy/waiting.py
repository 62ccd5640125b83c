"""A request in line: it waits for its turn, and leaves the line at once if its client does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from gateway.core.records.backends_and_tickets import TicketState
from gateway.core.records.decisions import Ending
from gateway.proxy.answers.interim import InterimAnswers, is_impatient
from gateway.proxy.errors import ClientLeft, Refused, Withdrawn
from gateway.runtime import driver as runtime

if TYPE_CHECKING:
    from gateway.proxy.context import RequestContext
    from gateway.runtime.driver import Slot


async def until_turn(context: RequestContext, slot: Slot) -> None:
    """A client that leaves meanwhile leaves the line at once."""
    await _wait(context, slot)
    check_wanted(context, slot)


async def wait_assured(context: RequestContext, slot: Slot) -> None:
    if slot.is_waiting and is_impatient(context.headers):
        with InterimAnswers(context.client):
            await _wait(context, slot)
    else:
        await _wait(context, slot)


async def _wait(context: RequestContext, slot: Slot) -> None:
    try:
        if slot.is_waiting:
            await _turn_or_gone(context, slot)
        else:
            await slot.turn()
    except runtime.Refused as refused:
        raise Refused(refused.refusal, slot.ticket.place) from None


def check_wanted(context: RequestContext, slot: Slot) -> None:
    if context.listener.gone:
        slot.done(Ending.CLIENT_LEFT_WAITING)
        raise ClientLeft(Ending.CLIENT_LEFT_WAITING)
    if slot.ticket.state is TicketState.ENDED:
        raise Withdrawn


async def _turn_or_gone(context: RequestContext, slot: Slot) -> None:
    if context.trace is not None:
        context.trace.waits(cold=context.pool is not None and context.pool.driver.pool.is_cold)
    with anyio.CancelScope() as waiting:
        context.listener.on_gone(waiting.cancel)
        try:
            await slot.turn()
        finally:
            context.listener.on_gone(None)
            if context.trace is not None:
                context.trace.waited(slot.ticket)
