"""One turn of a request: sent to the backend whose slot it got, and its answer relayed.

Where it can be, it is sent in the very turn of the loop in which the slot is given, before the task that waits for it
has been woken: from one request's last byte to the next one's first, a backend waits for as little as possible.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Protocol

from gateway.core.line.expected_wait import RETRY_UNKNOWN
from gateway.core.records.decisions import Reason, Refusal
from gateway.core.records.lanes import Lane
from gateway.proxy import model_order
from gateway.proxy.body.request_body import RequestBody
from gateway.proxy.body.stored import NO_BODY
from gateway.proxy.errors import Refused
from gateway.proxy.pod_request import request_of
from gateway.proxy.relay import Manner, Means, Relay
from gateway.proxy.tracking.give_up import interrupt
from gateway.proxy.tracking.job_tracker import tracker_of
from gateway.upstream.errors import BrokeBeforeHead

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractContextManager

    from gateway.core.records.decisions import Ending
    from gateway.profiles.treatment import Treatment
    from gateway.proxy.body.stored import Body
    from gateway.proxy.cancel_scope import CancelScopes
    from gateway.proxy.context import RequestContext
    from gateway.proxy.exchange import Exchange
    from gateway.proxy.headers.forwarded import Header
    from gateway.proxy.pool.served_pool import ServedPool
    from gateway.proxy.websocket.tunnel import Tunnel
    from gateway.runtime.driver import Slot
    from gateway.upstream.request import UpstreamRequest

#: RFC 9110 9.2.2: these may be sent again.
IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))


class Owner(Protocol):
    """The owner of all turns."""

    stopping: bool  # nothing is started from here on
    spawn: Callable[[str, Callable[[], Awaitable[None]]], None]  # runs a task that may outlive its request
    scopes: CancelScopes


class Turn:
    """Made while the request waits; `close` in any case."""

    def __init__(
        self,
        context: RequestContext,
        pool: ServedPool,
        slot: Slot,
        body: Body,
        treatment: Treatment,
        headers: list[Header],
        owner: Owner,
    ) -> None:
        """`headers`: what any backend gets."""
        self._context = context
        self._pool = pool
        self._slot = slot
        self._body = body
        self._headers = headers
        self._owner = owner
        self._counted = slot.ticket.lane is Lane.COUNTED
        #: Only uncounted requests that may be repeated ride on a connection that carried another.
        self._may_reuse = not (self._counted or context.client.websocket) and context.method in IDEMPOTENT
        self._tells = not self._counted and treatment.more is not None and treatment.more.tells_of_jobs
        self._job = tracker_of(treatment, context, pool, slot)
        self._request: UpstreamRequest | None = None
        self._exchange: Exchange | None = None
        self._relay: Relay | None = None
        if self._counted and slot.is_waiting:
            self._prepare()

    @property
    def is_sent(self) -> bool:
        """The request is on its way: who leaves now leaves a backend at work."""
        return self._relay is not None

    async def run(self) -> Ending:
        """Returns how it ended, with the slot given back. Raises as `Relay.run`, Refused if the gateway stops, NotSent
        if no byte was written."""
        while True:
            if self._relay is None:
                await self._send()
            assert self._relay is not None
            assert self._exchange is not None
            if self._counted and self._pool.driver.pool.waiting:
                self._pool.upstream.dial_ahead(self._slot.backend.address)
            try:
                return await self._relayed(self._relay)
            except BrokeBeforeHead as error:
                if not self._exchange.reused:
                    raise
                self._context.broke(error)
                self._may_reuse = False  # the backend was most likely just closing it: once more, on a fresh one
                self._relay = None

    def close(self) -> None:
        """The turn is over; a request that was sent and never relayed is broken off."""
        self._slot.when_given = None
        self._context.relay = None
        if self._exchange is not None:
            self._exchange.close()

    # Sending

    def _prepare(self) -> None:
        """What can be made before it is known which backend it is for."""
        self._slot.when_given = self._send_at_once
        if self._context.trace is None and not self._pool.profile.own_host:
            self._request = self._made()
            self._request.encode()

    def _send_at_once(self) -> None:
        """Called by the driver, outside of any task. Does nothing where that would be waiting: `run` does it then."""
        astray = self._pool.page_sockets.astray(self._slot.ticket, self._context.keys)
        waits = bool(astray) or model_order.is_due(self._context, self._slot)
        if self._owner.stopping or self._context.client.gone or waits:
            return
        if self._context.trace is not None:
            self._context.trace.waited(self._slot.ticket)
        try:
            request = self._request = self._request or self._made()
            exchange = self._pool.upstream.send_at_once(self._address(), request)
        except Exception:  # no affair of the request whose end has called this: `run` meets it in its own task
            return
        if exchange is not None:
            self._slot.at_risk = self._at_risk()
            self._sent(exchange, request)

    async def _send(self) -> None:
        if self._owner.stopping:
            raise Refused(Refusal(Reason.STOPPING, RETRY_UNKNOWN), self._slot.ticket.place)
        self._slot.at_risk = self._at_risk()
        request = self._request or self._made()
        exchange = await self._pool.upstream.send(self._address(), request)
        self._sent(exchange, request)

    def _sent(self, exchange: Exchange, request: UpstreamRequest) -> None:
        if self._context.trace is not None:
            self._context.trace.dialled(reused=exchange.reused)
        self._exchange = exchange
        heard = exchange if self._job is None else self._job.hear(exchange)
        self._relay = self._context.relay = self._relay_of(heard, may_repeat=not isinstance(request.body, RequestBody))

    def _content(self) -> bytes | AsyncIterator[bytes] | None:
        if self._counted or self._body is not NO_BODY:
            return self._body.stream()
        rules = self._pool.rules
        return self._context.request_body.stream(
            max_body=rules.max_body, idle_timeout=rules.body_idle, total_timeout=rules.body_total
        )

    def _made(self) -> UpstreamRequest:
        content = self._content()
        reusable = self._may_reuse and content is None
        request = request_of(self._context, self._pool, self._headers, content, reusable=reusable)
        if self._job is not None:
            self._job.prepare(request)
        return request

    def _address(self) -> str:
        return self._slot.backend.address_for(self._slot.ticket.lane)

    def _at_risk(self) -> float:
        rules = self._pool.rules
        return rules.quarantine(rules.total)

    # The answer

    async def _relayed(self, relay: Relay) -> Ending:
        context, job = self._context, self._job
        try:
            ending = await relay.run()
            if job is not None:
                context.relay = job
                await job.run()
            return ending
        finally:
            context.relay = None
            context.record.detail = relay.evidence
            if job is not None:
                job.close()

    def _page_socket(self) -> Callable[[Tunnel], AbstractContextManager[None]]:
        context = self._context
        return partial(self._pool.page_sockets.open, self._slot.ticket, context.keys, context.record.client)

    def _relay_of(self, exchange: Exchange, *, may_repeat: bool) -> Relay:
        context, pool, slot, spawn = self._context, self._pool, self._slot, self._owner.spawn
        too_early = pool.profile.too_early if self._counted else None
        manner = Manner(
            may_repeat=may_repeat,
            works_after_disconnect=pool.profile.works_after_disconnect,
            stream_ends=pool.profile.works_after_disconnect and context.method == "POST",
            job_outlives_answer=self._job is not None and self._job.outlives_answer,
            may_queue=self._counted and self._job is None and pool.profile.idle is not None,
            too_early=partial(too_early, context.raw_path) if too_early is not None else None,
        )
        means = Means(
            scopes=self._owner.scopes,
            spare_room=partial(pool.driver.pool.spare_room, slot.ticket.who),
            interrupt=lambda: interrupt(pool, slot.backend.address_for(Lane.EXEMPT), spawn),
            tunnel_open=self._page_socket() if self._tells else nullcontext,
        )
        relay = Relay(exchange, slot, context.client, context.answer, pool.rules, manner, means)
        if self._owner.stopping:  # since the request was sent off
            relay.stop()
        return relay
