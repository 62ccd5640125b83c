"""The path of a request, from its head to its record. The only place that knows the whole story.

    route -> treatment -> cookie -> room and body -> a turn in line -> the backend -> the answer -> the record

Each step is a call into a module of its own; whatever goes wrong on the way comes back here as an exception and is
answered once, by `problems.py`.
"""

from __future__ import annotations

import itertools
import math
import re
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import structlog

from gateway.core.decisions import Ending, Outcome, Reason, Refusal
from gateway.core.patience import RETRY_UNKNOWN
from gateway.core.receipt import receipt_of
from gateway.core.record import RequestRecord
from gateway.core.snapshot import short_hash
from gateway.core.ticket import Lane, Ticket, TicketState
from gateway.profiles.treatment import SMALL_BODY
from gateway.proxy import asking
from gateway.proxy.body import NO_BODY
from gateway.proxy.controls import judged
from gateway.proxy.errors import ClientLeft, Denied, EdgeError, NoRoute, Refused, Withdrawn
from gateway.proxy.following import following
from gateway.proxy.handshake import check_handshake
from gateway.proxy.headers import request_headers
from gateway.proxy.inbound import Inbound, read_body
from gateway.proxy.interrupt import interrupt
from gateway.proxy.network_probe import ProbeAnswer, probe_answer
from gateway.proxy.own_host import named_by_address
from gateway.proxy.problems import CLIENT_CLOSED_REQUEST
from gateway.proxy.relay import NothingStarted, Relay
from gateway.proxy.revision_split import RevisionSplit
from gateway.proxy.seat import Seat
from gateway.proxy.visit import Visit
from gateway.runtime import driver as runtime
from gateway.upstream.errors import BadAnswer, BrokeBeforeHead, NotSent, UpstreamError
from gateway.upstream.request import UpstreamRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping

    from gateway.core.room import Room
    from gateway.core.routing import Router
    from gateway.profiles.treatment import Treatment
    from gateway.proxy.body import Body
    from gateway.proxy.forwarded import TrustedProxies
    from gateway.proxy.served_pool import Exchange, ServedPool
    from gateway.runtime.driver import Slot

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

#: RFC 9110 9.2.2: these may be sent again.
IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))

_OK = ProbeAnswer(200, b"ok\n")

_WAIT = re.compile(rb'(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})\b', re.IGNORECASE)


class Endpoint:
    """The ASGI application of the traffic port."""

    def __init__(
        self,
        router: Router,
        pools: Mapping[str, ServedPool | RevisionSplit],
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
        self._health_path = health_path
        self._ids = (f"{id_prefix}{number:08x}" for number in itertools.count(1))
        self._clock = clock
        self._record = record
        self._cookie_seen = cookie_seen
        self._spawn = spawn
        self._visits: set[Visit] = set()
        self._uploads: dict[Visit, anyio.CancelScope] = {}
        self._stopping = False

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
            record.ending = _ending_of(error)
            record.detail = str(error)
            await visit.refuse(record.ending)
        except Exception:  # a defect of ours: the one place where it becomes an answer
            record.ending = Ending.INTERNAL_ERROR_IN_ANSWER if visit.answering else Ending.INTERNAL_ERROR
            structlog.get_logger().exception("request_failed", request_id=record.request_id)
            if visit.answering:
                visit.client.cut()
            else:
                await visit.refuse(record.ending)
        finally:
            self._visits.discard(visit)
            self._close(visit)

    def new_id(self) -> str:
        """A request id that no other request has, of this process or another."""
        return next(self._ids)

    def stop(self) -> None:
        """The grace is over: what was started and has no answer yet gets one, what is in mid-answer is cut. (What
        waits in line is refused by the drivers.)"""
        self._stopping = True
        for scope in list(self._uploads.values()):
            scope.cancel()
        for visit in list(self._visits):
            if visit.relay is not None:
                visit.relay.stop()

    # The steps

    async def _serve(self, visit: Visit) -> Ending:
        pool = visit.pool = await self._route(visit)
        treatment = pool.profile.treat(visit.method, visit.raw_path)
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
            if visit.inbound.has_body and (counted or asking.needs_body(treatment)):
                room = _enter(pool) if counted else pool.driver.pool.spare_room()
                body = await self._read_body(visit, pool, room, pool.rules.max_body if counted else SMALL_BODY)
            if asking.is_open(treatment):
                treatment = await asking.settled(visit, treatment, body)
                if not _is_counted(visit, treatment) and room is not None:
                    room.leave_place()
            ticket = self._ticket(visit, pool, treatment)
            if treatment.more is not None and treatment.more.control is not None:
                return await self._order(visit, pool, treatment, ticket, body)
            with pool.driver.slot(ticket, room if counted and ticket.lane is Lane.COUNTED else None) as slot:
                visit.slot = slot
                visit.job = pool.jobs.taken_in(visit, slot, treatment)
                return await self._turns(visit, pool, slot, body, treatment)
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
        return await self._revision(visit, pool) if isinstance(pool, RevisionSplit) else pool

    async def _revision(self, visit: Visit, split: RevisionSplit) -> ServedPool:
        """One of the pools that share the name. While there is none, the request waits for it as for a first backend,
        with nothing of its body read."""
        while (chosen := split.choose(visit.origin, visit.headers)) is None:
            pool = visit.pool = split.anteroom
            lane = visit.record.lane = pool.profile.treat(visit.method, visit.raw_path).lane
            if lane is Lane.DENIED:
                raise Denied
            ticket = Ticket(
                Lane.EXEMPT if lane is Lane.COUNTED else lane,
                patience=_patience(visit.headers, pool.rules.longest_wait),
                label=visit.record.request_id,
            )
            with pool.driver.slot(ticket) as slot:
                visit.slot = slot
                await _until_turn(visit, slot)
                slot.done(Ending.SERVED)
        visit.new_session = chosen.session
        visit.record.pool = chosen.pool.name
        return chosen.pool

    def _ticket(self, visit: Visit, pool: ServedPool, treatment: Treatment) -> Ticket:
        """What the request asks of the pool, with the session that its cookie brings."""
        sessions, now = pool.driver.pool.sessions, time.time()
        visit.keys = treatment.more.session_keys if treatment.more is not None else ()
        verdict, claim = pool.cookies.read(visit.headers, now, lambda session: sessions.get(session) is not None)
        self._cookie_seen(pool.name, verdict.value)
        ticket = Ticket(
            treatment.lane,
            when_busy=treatment.when_busy or pool.rules.when_busy,
            patience=_patience(visit.headers, pool.rules.longest_wait),
            label=visit.record.request_id,
            rule=treatment.rule,
        )
        if claim is not None:
            ticket.session, ticket.returning = claim.session, True
            ticket.home = pool.cookies.home_of(claim, pool.driver.pool.backends.keys())
        elif (known := pool.remembered.find(visit.keys)) is not None:
            ticket.session, ticket.returning, ticket.home = known.session, True, known.home
        elif treatment.lane is not Lane.PASSIVE or visit.keys:
            ticket.session = visit.new_session or pool.cookies.new_session()
        if ticket.session is not None and treatment.lane is not Lane.PASSIVE:
            visit.record.session = short_hash(ticket.session) if ticket.returning else None
            renews = claim is not None and pool.cookies.needs_renewal(claim, now)
            visit.set_cookie = Seat(ticket, pool.cookies, renews=renews, secure=visit.origin.scheme == "https").cookie
        return ticket

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

    async def _order(self, visit: Visit, pool: ServedPool, treatment: Treatment, ticket: Ticket, body: Body) -> Ending:
        """A request about jobs: to the backend that works on them, or answered here."""
        assert treatment.more is not None
        assert treatment.more.control is not None
        order = judged(treatment.more.control, pool, ticket)
        answer = order.answer
        if answer is None:
            with pool.driver.slot(ticket) as slot, order.under_way():
                visit.slot = slot
                if (answer := order.missed(slot)) is None:
                    return await self._turns(visit, pool, slot, body, treatment)
                slot.done(Ending.ANSWERED_HERE)
        await visit.say(answer)
        return Ending.ANSWERED_HERE

    async def _turns(self, visit: Visit, pool: ServedPool, slot: Slot, body: Body, treatment: Treatment) -> Ending:
        """A turn, another one for as long as nothing was started, and one more for what may be repeated."""
        counted = treatment.lane is Lane.COUNTED
        may_repeat = visit.method in IDEMPOTENT or treatment.repeatable
        broke: UpstreamError | None = None
        while True:
            try:
                await _until_turn(visit, slot)
                if visit.keys and slot.ticket.session is not None:
                    pool.remembered.remember(visit.keys, slot.ticket.session, slot.ticket.home or slot.backend.identity)
                return await self._exchange(visit, pool, slot, body, treatment)
            except (NotSent, NothingStarted):
                slot.again()
            except UpstreamError as error:
                is_spent = broke is not None or visit.inbound.received != body.length
                # The slot that broke is kept for as long as it may be at work: alone, it would be waited for.
                is_alone = slot.at_risk > 0 and counted and not pool.driver.pool.has_another(slot.backend)
                if is_spent or is_alone or not may_repeat or not isinstance(error, BrokeBeforeHead):
                    slot.done(_ending_of(error), slot.at_risk)
                    raise
                broke = error
                slot.elsewhere()
            except Refused as refused:
                if broke is not None:  # that nothing was started would not be true
                    raise broke from refused
                raise

    async def _exchange(self, visit: Visit, pool: ServedPool, slot: Slot, body: Body, treatment: Treatment) -> Ending:
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
            request = self._request(visit, pool, content, reusable=may_reuse)
            if job is not None:
                job.prepare(request)
            exchange = await pool.upstream.send(slot.backend.address_for(slot.ticket.lane), request)
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
            except BrokeBeforeHead:
                if not exchange.reused:
                    raise
                may_reuse = False  # the backend was most likely just closing it: once more, on a fresh one
            finally:
                visit.relay = None
                visit.record.detail = relay.evidence
                if job is not None:
                    job.close()

    def _request(
        self, visit: Visit, pool: ServedPool, content: bytes | AsyncIterator[bytes] | None, *, reusable: bool
    ) -> UpstreamRequest:
        """What the backend gets. Only uncounted requests that may be repeated ride on a connection that carried
        another."""
        headers = request_headers(
            visit.headers,
            visit.origin,
            request_id=visit.record.request_id.encode(),
            session_cookie=pool.cookies.name,
        )
        headers += pool.rules.pod_headers.of(visit.record.lane)
        if pool.profile.own_host and visit.slot is not None:
            headers = named_by_address(headers, visit.origin.host, visit.slot.backend.address)
        upgrade = b"websocket" if visit.client.websocket else None
        method, length = visit.method.encode(), visit.inbound.length
        return UpstreamRequest(method, visit.target, headers, content, length, reusable=reusable, upgrade=upgrade)

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
        inbound = Inbound(receive, scope["headers"], client)
        return Visit(scope, send, client=client, origin=origin, inbound=inbound, record=record)

    def _close(self, visit: Visit) -> None:
        record, slot = visit.record, visit.slot
        if record.ending is None:  # cancelled from outside, as at a second signal: its connection is cut
            record.ending = Ending.STOPPED_IN_ANSWER
        if record.status is None and record.ending.outcome is Outcome.CLIENT_GONE:
            record.status = CLIENT_CLOSED_REQUEST
        record.ended_at = self._clock()
        record.bytes_in = visit.inbound.received
        if visit.tunnel is not None:
            record.bytes_in, record.bytes_out = visit.tunnel.bytes_in, visit.tunnel.bytes_out
        if slot is not None:
            record.turns = slot.ticket.turns
            record.place = slot.ticket.place
            if slot.ticket.met is not None:
                record.receipt = receipt_of(slot.ticket)
            record.waited = slot.waited
            record.service = slot.service
            record.granted_at = slot.ticket.granted_at if slot.ticket.turns else None
            if slot.ticket.backend is not None:
                record.backend = slot.ticket.backend.name
        self._record(record)


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


async def _until_turn(visit: Visit, slot: Slot) -> None:
    """A client that leaves meanwhile leaves the line at once."""
    try:
        if slot.is_waiting:
            await _turn_or_gone(visit, slot)
        else:
            await slot.turn()
    except runtime.Refused as refused:
        raise Refused(refused.refusal, slot.ticket.place) from None
    if visit.client.gone:
        slot.done(Ending.CLIENT_LEFT_WAITING)
        raise ClientLeft(Ending.CLIENT_LEFT_WAITING)
    if slot.ticket.state is TicketState.ENDED:
        raise Withdrawn


async def _turn_or_gone(visit: Visit, slot: Slot) -> None:
    with anyio.CancelScope() as waiting:
        visit.client.on_gone(waiting.cancel)
        try:
            await slot.turn()
        finally:
            visit.client.on_gone(None)


def _ending_of(error: UpstreamError) -> Ending:
    return Ending.BACKEND_BAD_ANSWER if isinstance(error, BadAnswer) else Ending.BACKEND_BROKE_BEFORE_ANSWER


def _patience(headers: Iterable[tuple[bytes, bytes]], longest: float) -> float:
    """Seconds that the client itself would wait (RFC 7240: `Prefer: wait=SECONDS`)."""
    for name, value in headers:
        if name == b"prefer" and (wait := _WAIT.search(value)):
            return min(float(wait[1]), longest)
    return math.inf


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
