"""The path of a request, from its head to its record. The only place that knows the whole story.

    route -> treatment -> cookie -> room and body -> a turn in line -> the backend -> the answer -> the record

Each step is a call into a module of its own; whatever goes wrong on the way comes back here as an exception and is
answered once, by `problems.py`.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import structlog

from gateway.core.line.expected_wait import RETRY_UNKNOWN
from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.decisions import Ending, Reason, Refusal
from gateway.core.records.lanes import Lane
from gateway.core.views.record import RequestRecord
from gateway.profiles.treatment import SMALL_BODY
from gateway.proxy.answers.network_probe import ProbeAnswer, probe_answer
from gateway.proxy.answers.waiting_page import ICON, is_beside
from gateway.proxy.body import classification as asking
from gateway.proxy.body.request_body import RequestBody, read_body
from gateway.proxy.body.stored import NO_BODY
from gateway.proxy.errors import Denied, EdgeError, NoRoute, Refused
from gateway.proxy.gradio_page.page_side import PageSide
from gateway.proxy.ticketing import patience_of, ticket_for
from gateway.proxy.tracking.job_orders import carried_out
from gateway.proxy.tracking.stop_clicks import control_of
from gateway.proxy.traffic_split import TrafficSplit
from gateway.proxy.turns import Turns, ending_of, until_turn
from gateway.proxy.visit import Visit
from gateway.proxy.websocket.handshake import check_handshake
from gateway.runtime import driver as runtime
from gateway.upstream.errors import UpstreamError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    from gateway.core.line.room import Room
    from gateway.core.routing import Router
    from gateway.profiles.treatment import Treatment
    from gateway.proxy.body.stored import Body
    from gateway.proxy.headers.forwarded import TrustedProxies
    from gateway.proxy.served_pool import ServedPool
    from gateway.proxy.traced import Tracer

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

_OK = ProbeAnswer(200, b"ok\n")


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
        self.trusted = trusted
        self.answers_probes = False  # those of Knative's ingress and kubelet: there is a pool of Knative's
        self.tracer: Tracer | None = None  # set before the first request, if there is one
        self._health_path = health_path
        self._ids = (f"{id_prefix}{number:08x}" for number in itertools.count(1))
        self._clock = clock
        self._record = record
        self._cookie_seen = cookie_seen
        self._spawn = spawn
        self._turns = Turns(spawn)
        self._visits: set[Visit] = set()
        self._uploads: dict[Visit, anyio.CancelScope] = {}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["path"] == self._health_path:
            await _say(send, self.new_id(), _OK)
            return
        if self.answers_probes and (answer := probe_answer(scope["method"], scope["headers"])):
            await _say(send, self.new_id(), answer)
            return
        visit = self._visit(scope, receive, send)
        self._visits.add(visit)
        record = visit.record
        try:
            record.ending = await self._serve(visit)
        except EdgeError as error:
            record.ending = error.ending
            await visit.explain(error)
        except UpstreamError as error:
            record.ending = ending_of(error)
            record.detail = str(error)
            await visit.refuse(record.ending)
        except Exception:  # a defect of ours: the one place where it becomes an answer
            record.ending = Ending.INTERNAL_ERROR_IN_ANSWER if visit.answering else Ending.INTERNAL_ERROR
            structlog.get_logger().exception(
                "request_failed", request_id=record.request_id, do="a defect: report it with this line"
            )
            if visit.answering:
                visit.client.cut()
            else:
                await visit.refuse(record.ending)
        finally:
            self._visits.discard(visit)
            visit.close(self._clock())
            self._record(record)
            if visit.trace is not None:
                visit.trace.ended(record)

    def new_id(self) -> str:
        """A request id that no other request has, of this process or another."""
        return next(self._ids)

    def stop(self) -> None:
        """The grace is over: what was started and has no answer yet gets one, what is in mid-answer is cut. (What
        waits in line is refused by the drivers.)"""
        self._turns.stop()
        for scope in list(self._uploads.values()):
            scope.cancel()
        for visit in list(self._visits):
            if visit.relay is not None:
                visit.relay.stop()

    # The steps

    async def _serve(self, visit: Visit) -> Ending:
        pool = visit.pool = await self._route(visit)
        treatment = pool.profile.treat(visit.method, visit.raw_path)
        if visit.path == ICON and pool.rules.waiting_page is not None and is_beside(pool.driver.pool, treatment.lane):
            treatment = replace(treatment, lane=Lane.PASSIVE)
        counted = _is_counted(visit, treatment)
        if visit.client.websocket:
            check_handshake(visit.headers, visit.origin.host, pool.rules.allowed_origins)
        if (
            (page := pool.rules.waiting_page)
            and not visit.inbound.has_body
            and (
                told := page.instead(pool.driver, treatment.lane, visit.method, visit.headers, visit.record.request_id)
            )
        ):
            await visit.tell(told)
            return Ending.TOLD_OF_START
        room: Room | None = None
        body: Body = NO_BODY
        try:
            if visit.client.websocket and asking.is_spoken_here(treatment):
                event = PageSide(visit, pool, treatment, spawn=self._spawn, cookie_seen=self._cookie_seen)
                return await event.run()
            if visit.inbound.has_body and (counted or asking.needs_body(treatment)):
                room = _enter(pool) if counted else pool.driver.pool.spare_room()
                body = await self._read_body(visit, pool, room, pool.rules.max_body if counted else SMALL_BODY)
            if asking.is_open(treatment):
                treatment = await asking.settled(visit, treatment, body)
                if not _is_counted(visit, treatment) and room is not None:
                    room.leave_place()
            ticket = ticket_for(visit, pool, treatment, self._cookie_seen)
            if treatment.more is not None and (control := await control_of(treatment.more, visit, pool, ticket)):
                serve = partial(self._turns.serve, visit, pool, body=body, treatment=treatment)
                return await carried_out(control, visit, pool, ticket, serve=serve, say=visit.say)
            with pool.driver.slot(ticket, room if counted and ticket.lane is Lane.COUNTED else None) as slot:
                visit.slot = slot
                visit.job = pool.jobs.taken_in(visit, slot, treatment)
                return await self._turns.serve(visit, pool, slot, body, treatment)
        finally:
            if visit.job is not None:
                pool.jobs.leave(visit.job)
            body.close()
            if room is not None:
                room.close()

    async def _route(self, visit: Visit) -> ServedPool:
        host = visit.origin.host.decode("latin-1")
        name = self.router.pool_for(host, visit.path)
        if name is None:
            raise NoRoute(host)
        visit.record.pool = name
        pool = self.pools[name]
        return await self._revision(visit, pool) if isinstance(pool, TrafficSplit) else pool

    async def _revision(self, visit: Visit, split: TrafficSplit) -> ServedPool:
        """One of the pools that share the name. While there is none, the request waits for it as for a first backend,
        with nothing of its body read."""
        while (chosen := split.choose(visit.origin, visit.headers)) is None:
            pool = visit.pool = split.anteroom
            lane = visit.record.lane = pool.profile.treat(visit.method, visit.raw_path).lane
            if lane is Lane.DENIED:
                raise Denied
            ticket = Ticket(
                Lane.EXEMPT if lane is Lane.COUNTED else lane,
                patience=patience_of(visit.headers, pool.rules.longest_wait),
                label=visit.record.request_id,
            )
            with pool.driver.slot(ticket) as slot:
                visit.slot = slot
                await until_turn(visit, slot)
                slot.done(Ending.SERVED)
        visit.new_session = chosen.session
        visit.record.pool = chosen.pool.name
        return chosen.pool

    async def _read_body(self, visit: Visit, pool: ServedPool, room: Room, most: int) -> Body:
        reading = read_body(
            visit.inbound,
            room=room,
            refusal=pool.driver.pool.bytes_refusal,
            max_body=min(most, pool.rules.max_body),
            idle_timeout=pool.rules.body_idle,
        )
        if visit.inbound.is_here:
            return await reading
        with anyio.CancelScope() as scope:
            self._uploads[visit] = scope
            try:
                return await reading
            finally:
                del self._uploads[visit]
        raise Refused(Refusal(Reason.STOPPING, RETRY_UNKNOWN))

    # Begin and end

    def _visit(self, scope: Message, receive: Receive, send: Send) -> Visit:
        peer = scope["client"][0] if scope["client"] else "unknown"
        origin = self.trusted.origin(scope["headers"], peer, scope["scheme"])
        client = scope["extensions"]["gateway.client"]
        record = RequestRecord(
            request_id=origin.request_id.decode() if origin.request_id else self.new_id(),
            client=origin.client,
            method=scope["method"],
            target=client.target,
            host=origin.host.decode("latin-1"),
            started_at=self._clock(),
        )
        inbound = RequestBody(receive, scope["headers"], client)
        visit = Visit(scope, send, client=client, origin=origin, inbound=inbound, record=record)
        if self.tracer is not None:
            visit.trace = self.tracer(visit.headers, record, origin.scheme)
        return visit


def _is_counted(visit: Visit, treatment: Treatment) -> bool:
    """Notes the lane. Raises Denied."""
    visit.record.lane = treatment.lane
    if treatment.lane is Lane.DENIED:
        raise Denied
    return treatment.lane is Lane.COUNTED


def _enter(pool: ServedPool) -> Room:
    try:
        return pool.driver.enter()
    except runtime.Refused as refused:
        raise Refused(refused.refusal) from None


async def _say(send: Send, request_id: str, answer: ProbeAnswer) -> None:
    headers = [
        (b"content-type", b"text/plain"),
        (b"content-length", b"%d" % len(answer.body)),
        (b"cache-control", b"no-store"),
        (b"x-request-id", request_id.encode()),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers, "gateway.hold": True})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
