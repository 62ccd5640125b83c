"""The path of a request, from its head to its record. The only place that knows the whole story.

    route -> treatment -> cookie -> room and body -> a turn in line -> the backend -> the answer -> the record

Each step is a call into a module of its own; whatever goes wrong on the way comes back here as an exception and is
answered once, by `answers/problems.py`.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog

from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.profiles.treatment import SMALL_BODY
from gateway.proxy import anteroom, classification, preflight
from gateway.proxy.answers.network_probe import ProbeAnswer, probe_answer, say
from gateway.proxy.arrivals import Arrivals
from gateway.proxy.attempts import Attempts
from gateway.proxy.body.stored import NO_BODY
from gateway.proxy.cold_start_page import page_instead, treatment_of
from gateway.proxy.endings import ending_of
from gateway.proxy.errors import Denied, EdgeError, NoRoute
from gateway.proxy.full_log import warn_if_full
from gateway.proxy.gradio_page.page_side import PageSide
from gateway.proxy.headers.cors import granted
from gateway.proxy.headers.same_site import SAFE, check_page, sites_named_in
from gateway.proxy.ticketing import ticket_for
from gateway.proxy.tracking import clicks
from gateway.proxy.tracking.job_orders import carried_out
from gateway.proxy.traffic_split import TrafficSplit
from gateway.proxy.uploads import Uploads, enter
from gateway.proxy.websocket.handshake import check_handshake
from gateway.proxy.who import who_asks
from gateway.upstream.errors import UpstreamError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping
    from contextlib import AbstractAsyncContextManager

    from gateway.core.line.room import Room
    from gateway.core.records.backends_and_tickets import Ticket
    from gateway.core.routing import Router
    from gateway.core.views.record import RequestRecord
    from gateway.profiles.treatment import Treatment
    from gateway.proxy.body.stored import Body
    from gateway.proxy.clients.door import ClientDoor
    from gateway.proxy.context import RequestContext
    from gateway.proxy.headers.forwarded import TrustedProxies
    from gateway.proxy.pool.rules import Rules
    from gateway.proxy.pool.served_pool import ServedPool

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

_OK, _STOPPING = ProbeAnswer(200, b"ok\n"), ProbeAnswer(503, b"stopping\n")


class Endpoint:
    """The ASGI application of the traffic port."""

    def __init__(
        self,
        router: Router,
        pools: Mapping[str, ServedPool | TrafficSplit],
        *,
        trusted: TrustedProxies,
        health_path: str,
        id_prefix: str,
        clock: Callable[[], float],
        record: Callable[[RequestRecord], None],
        cookie_seen: Callable[[str, str], None],
        spawn: Callable[[str, Callable[[], Awaitable[None]]], None],
    ) -> None:
        """`id_prefix` makes request ids unique across processes. `record` hears of each request once, when it has
        ended; `cookie_seen` of each cookie read: pool and verdict. `spawn` runs a task that may outlive its request.
        """
        self.router = router
        self.pools = pools
        self.door: ClientDoor | None = None  # None: whoever comes is let in
        self.answers_probes = False  # those of Knative's ingress and kubelet: there is a pool of Knative's
        self.stopping = False  # load balancers are told so, and requests are still served
        self._health_path = health_path.rstrip("/")
        self._clock = clock
        self._record = record
        self._cookie_seen = cookie_seen
        self._spawn = spawn
        self.arrivals = Arrivals(trusted, id_prefix, clock)
        self._attempts = Attempts(spawn)
        self._contexts: set[RequestContext] = set()
        self._uploads = Uploads()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["path"].rstrip("/") == self._health_path:
            await say(send, self.arrivals.new_id(), _STOPPING if self.stopping else _OK)
            return
        if self.answers_probes and (answer := probe_answer(scope["method"], scope["headers"])):
            await say(send, self.arrivals.new_id(), answer)
            return
        context = self.arrivals.context(scope, receive, send)
        self._contexts.add(context)
        record = context.record
        try:
            named = self._named(context)
            if self.door is not None:
                self.door.admit(context)
            record.ending = await self._serve(context, named)
        except EdgeError as error:
            record.ending = error.ending
            warn_if_full(context, error)
            await context.answer.explain(error)
        except UpstreamError as error:
            record.ending = ending_of(error)
            record.detail = str(error)
            await context.answer.refuse(record.ending)
        except Exception:  # a defect of ours: the one place where it becomes an answer
            await self._own_up(context)
        finally:
            self._contexts.discard(context)
            context.close(self._clock())
            self._record(record)
            if context.trace is not None:
                context.trace.ended(record)

    def stop(self) -> None:
        """The grace is over: what was started and has no answer yet gets one, what is in mid-answer is cut. (What
        waits in line is refused by the drivers.)"""
        self._attempts.stop()
        self._uploads.stop()
        if self.door is not None:
            self.door.bounds.stop()
        for context in list(self._contexts):
            if context.relay is not None:
                context.relay.stop()

    async def _serve(self, context: RequestContext, named: ServedPool | TrafficSplit | None) -> Ending:
        if named is None:
            raise NoRoute(context.record.host)
        if isinstance(named, TrafficSplit):
            if not named.is_open and await preflight.is_answered(context, named.anteroom):
                return Ending.ANSWERED_HERE
            named = await anteroom.pool_of(named, context)
        pool = context.pool = named
        if await preflight.is_answered(context, pool):
            return Ending.ANSWERED_HERE
        treatment = treatment_of(context, pool)
        counted = _is_counted(context, treatment)
        if context.client.websocket:
            check_handshake(context.headers)
        _check_its_page(context, pool.rules)
        if (page := page_instead(context, pool, treatment.lane)) is not None:
            await context.answer.tell(page)
            return Ending.ANSWERED_HERE if page.status == HTTPStatus.OK else Ending.TOLD_OF_START
        if context.client.websocket and classification.is_spoken_here(treatment):
            return await self._page_event(context, pool, treatment)
        room: Room | None = None
        body: Body = NO_BODY
        try:
            if context.request_body.has_body and (counted or classification.needs_body(treatment)):
                who = who_asks(context, pool, self._cookie_seen)
                room = enter(pool, who) if counted else pool.driver.pool.spare_room(who)
                most = pool.rules.max_body if counted else SMALL_BODY
                body = await self._uploads.read(context, pool, room, most)
            if classification.is_open(treatment):
                treatment = await classification.settled(context, treatment, body)
                if not _is_counted(context, treatment) and room is not None:
                    room.leave_place()
            return await self._in_line(context, pool, treatment, body, room if counted else None)
        finally:
            self._leave_jobs(context, pool)
            body.close()
            if room is not None:
                room.close()

    async def _in_line(
        self, context: RequestContext, pool: ServedPool, treatment: Treatment, body: Body, room: Room | None
    ) -> Ending:
        """A ticket, and its turns; a request about jobs goes where they are."""
        ticket = ticket_for(context, pool, treatment, self._cookie_seen)
        treatment = await clicks.settled(treatment, context, pool, ticket)
        if room is not None and ticket.lane is not Lane.COUNTED:
            room.leave_place()
        if treatment.more is not None and treatment.more.control is not None:
            serve = partial(self._attempts.serve, context, pool, body=body, treatment=treatment)
            return await carried_out(treatment.more.control, context, pool, ticket, serve=serve, say=context.answer.say)
        async with self._bounded(context, pool, ticket):
            return await self._turns(context, pool, ticket, treatment, body, room)

    def _bounded(self, context: RequestContext, pool: ServedPool, ticket: Ticket) -> AbstractAsyncContextManager[None]:
        """Around what one ticket waits and works: the bounds of its client's key."""
        if context.record.key is None or self.door is None or ticket.lane is not Lane.COUNTED:
            return nullcontext()
        return self.door.bounds.held(context, pool.rules.longest_wait)

    async def _turns(
        self,
        context: RequestContext,
        pool: ServedPool,
        ticket: Ticket,
        treatment: Treatment,
        body: Body,
        room: Room | None,
    ) -> Ending:
        with pool.driver.slot(ticket, room if ticket.lane is Lane.COUNTED else None) as slot:
            context.slot = slot
            context.job = pool.jobs.taken_in(context, slot, treatment)
            try:
                return await self._attempts.serve(context, pool, slot, body, treatment)
            finally:
                if treatment.more is not None and treatment.more.chooses is not None and context.record.status != 200:
                    pool.chosen_models.failed(ticket, context.record.client)

    async def _page_event(self, context: RequestContext, pool: ServedPool, treatment: Treatment) -> Ending:
        """A click on a page of Gradio 3: the gateway speaks with the page until it knows what was clicked."""
        try:
            told, bounded = self._cookie_seen, partial(self._bounded, context, pool)
            event = PageSide(context, pool, treatment, spawn=self._spawn, cookie_seen=told, bounded=bounded)
            return await event.run()
        finally:
            self._leave_jobs(context, pool)

    def _named(self, context: RequestContext) -> ServedPool | TrafficSplit | None:
        """Who serves this host and path, and what that says of path and answers. None: nobody."""
        name = context.record.pool = self.router.pool_for(context.record.host, context.path)
        if name is None:
            return None
        pool = self.pools[name]
        rules = (pool.anteroom if isinstance(pool, TrafficSplit) else pool).rules
        context.enter(rules.mounts)
        if rules.allowed_origins and not context.client.websocket:
            context.cors = granted(context.headers, rules.allowed_origins)
        return pool

    def _leave_jobs(self, context: RequestContext, pool: ServedPool) -> None:
        if context.job is not None:
            pool.jobs.leave(context.job)

    async def _own_up(self, context: RequestContext) -> None:
        """A defect: the log has the traceback, the client an answer, or a connection that broke."""
        record = context.record
        record.ending = Ending.INTERNAL_ERROR_IN_ANSWER if context.answer.begun else Ending.INTERNAL_ERROR
        structlog.get_logger().exception(
            "request_failed", request_id=record.request_id, do="a defect: report it with this line"
        )
        if context.answer.begun:
            context.client.cut()
        else:
            await context.answer.refuse(record.ending)


def _is_counted(context: RequestContext, treatment: Treatment) -> bool:
    """Notes the lane. Raises Denied."""
    context.record.lane = treatment.lane
    if treatment.lane is Lane.DENIED:
        raise Denied
    return treatment.lane is Lane.COUNTED


def _check_its_page(context: RequestContext, rules: Rules) -> None:
    """What browsers send along for pages of every site is no leave for them. Raises ForeignOrigin."""
    sends_key, allowed = context.is_sent_by_browsers, rules.allowed_origins
    if context.client.websocket or ((rules.cookie_crosses_sites or sends_key) and context.method not in SAFE):
        check_page(context.headers, context.origin, sites_named_in(allowed) if sends_key else allowed)
