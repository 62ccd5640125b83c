"""The turns of a request that has its ticket: wait for one, send the request to that backend, relay the answer, and
decide whether there is another turn. What was not started is in line again; what broke may be repeated once.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio

from gateway.core.decisions import Ending, Reason, Refusal
from gateway.core.patience import RETRY_UNKNOWN
from gateway.core.ticket import Lane, TicketState
from gateway.proxy.assurance import Assurance, is_impatient
from gateway.proxy.body import NO_BODY
from gateway.proxy.errors import ClientLeft, Refused, Withdrawn
from gateway.proxy.following import following
from gateway.proxy.headers import request_headers
from gateway.proxy.inbound import Inbound
from gateway.proxy.interrupt import interrupt
from gateway.proxy.own_host import named_by_address
from gateway.proxy.relay import NothingStarted, Relay
from gateway.runtime import driver as runtime
from gateway.upstream.errors import BadAnswer, BrokeBeforeHead, NotSent, UpstreamError
from gateway.upstream.request import UpstreamRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from gateway.profiles.treatment import Treatment
    from gateway.proxy.body import Body
    from gateway.proxy.forwarded import Header
    from gateway.proxy.served_pool import Exchange, ServedPool
    from gateway.proxy.visit import Visit
    from gateway.runtime.driver import Slot

#: RFC 9110 9.2.2: these may be sent again.
IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))


class Turns:
    """One for an endpoint."""

    def __init__(self, spawn: Callable[[str, Callable[[], Awaitable[None]]], None]) -> None:
        """`spawn` runs a task that may outlive its request."""
        self._spawn = spawn
        self._stopping = False

    def stop(self) -> None:
        """Nothing is started from here on."""
        self._stopping = True

    async def serve(self, visit: Visit, pool: ServedPool, slot: Slot, body: Body, treatment: Treatment) -> Ending:
        """A turn, another one for as long as nothing was started, and one more for what may be repeated. The slot is
        given back by then.

        Raises EdgeError, and UpstreamError if the client is still to be told."""
        counted = treatment.lane is Lane.COUNTED
        may_repeat = visit.method in IDEMPOTENT or treatment.repeatable
        headers = headers_for(visit, pool)  # while it waits: not when a backend does
        broke: UpstreamError | None = None
        while True:
            try:
                await _until_turn_assured(visit, slot)
                remember(visit, pool, slot)
                return await self._exchange(visit, pool, slot, body, treatment, headers)
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

    async def _exchange(
        self, visit: Visit, pool: ServedPool, slot: Slot, body: Body, treatment: Treatment, headers: list[Header]
    ) -> Ending:
        """One turn: the request to the backend, its answer to the client."""
        rules = pool.rules
        counted = slot.ticket.lane is Lane.COUNTED
        if self._stopping:
            raise Refused(Refusal(Reason.STOPPING, RETRY_UNKNOWN), slot.ticket.place)
        slot.at_risk = rules.quarantine(rules.total)
        stream = visit.inbound.stream
        is_read = counted or body is not NO_BODY
        content = body.stream() if is_read else stream(max_body=rules.max_body, idle_timeout=rules.body_idle)
        may_reuse = not (counted or visit.client.websocket) and visit.method in IDEMPOTENT and content is None
        may_repeat = counted or not isinstance(content, Inbound)
        job = following(treatment, visit, pool, slot)
        while True:
            request = request_of(visit, pool, headers, content, reusable=may_reuse)
            if job is not None:
                job.prepare(request)
            exchange = await pool.upstream.send(slot.backend.address_for(slot.ticket.lane), request)
            if visit.trace is not None:
                visit.trace.dialled(reused=exchange.reused)
            if counted and pool.driver.pool.waiting:
                pool.upstream.dial_ahead(slot.backend.address)
            heard = exchange if job is None else job.hear(exchange)
            goes_on = job is not None and job.goes_on
            relay = visit.relay = self._relay(visit, pool, slot, heard, may_repeat=may_repeat, goes_on=goes_on)
            try:
                ending = await relay.run()
                if job is not None:
                    visit.relay = job
                    await job.run()
                return ending
            except BrokeBeforeHead as error:
                if not exchange.reused:
                    raise
                visit.broke(error)
                may_reuse = False  # the backend was most likely just closing it: once more, on a fresh one
            finally:
                visit.relay = None
                visit.record.detail = relay.evidence
                if job is not None:
                    job.close()

    def _relay(
        self, visit: Visit, pool: ServedPool, slot: Slot, exchange: Exchange, *, may_repeat: bool, goes_on: bool
    ) -> Relay:
        too_early = pool.profile.too_early if slot.ticket.lane is Lane.COUNTED else None
        relay = Relay(
            exchange,
            slot,
            visit.client,
            visit,
            pool.rules,
            may_repeat=may_repeat,
            works_on=pool.profile.works_on,
            spare_room=pool.driver.pool.spare_room,
            interrupt=lambda: interrupt(pool, slot.backend.address_for(Lane.EXEMPT), self._spawn),
            too_early=partial(too_early, visit.raw_path) if too_early is not None else None,
            goes_on=goes_on,
        )
        if self._stopping:  # since the request was sent off
            relay.stop()
        return relay


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


def request_of(
    visit: Visit,
    pool: ServedPool,
    headers: list[Header],
    content: bytes | AsyncIterator[bytes] | None,
    *,
    reusable: bool,
) -> UpstreamRequest:
    """What the backend gets. Only uncounted requests that may be repeated ride on a connection that carried
    another."""
    if pool.profile.own_host and visit.slot is not None:
        headers = named_by_address(headers, visit.origin.host, visit.slot.backend.address)
    if visit.trace is not None and visit.slot is not None:
        headers = visit.trace.dials(visit.slot.backend.name, headers)
    upgrade = b"websocket" if visit.client.websocket else None
    method, length = visit.method.encode(), visit.inbound.length
    return UpstreamRequest(method, visit.target, headers, content, length, reusable=reusable, upgrade=upgrade)


def remember(visit: Visit, pool: ServedPool, slot: Slot) -> None:
    """Where the session is at home whose keys the request names, now that it has its turn."""
    if visit.keys and slot.ticket.session is not None:
        pool.remembered.remember(visit.keys, slot.ticket.session, slot.ticket.home or slot.backend.identity)


async def _until_turn_assured(visit: Visit, slot: Slot) -> None:
    if slot.is_waiting and is_impatient(visit.headers):
        with Assurance(visit.client):
            await until_turn(visit, slot)
    else:
        await until_turn(visit, slot)


async def until_turn(visit: Visit, slot: Slot) -> None:
    """A client that leaves meanwhile leaves the line at once."""
    try:
        if slot.is_waiting:
            await _turn_or_gone(visit, slot)
        else:
            await slot.turn()
    except runtime.Refused as refused:
        raise Refused(refused.refusal, slot.ticket.place) from None
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
