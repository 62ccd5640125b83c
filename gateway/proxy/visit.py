"""One request's dealings with its client: what is known of it, what it is told, and the record of how it went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from gateway.core.records.decisions import Ending, Outcome
from gateway.core.records.lanes import Lane
from gateway.core.records.receipt import receipt_of
from gateway.proxy.answers.problems import CLIENT_CLOSED_REQUEST, is_page_load, problem_after, problem_for, render
from gateway.proxy.headers.passed_on import answer_headers
from gateway.proxy.websocket.handshake import agreement_to, check_agreement
from gateway.proxy.websocket.tunnel import Tunnel, keep_alive

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from gateway.core.views.record import RequestRecord
    from gateway.dialogues.websocket import WebSocketEnd
    from gateway.profiles.treatment import LocalAnswer
    from gateway.proxy.answers.problems import Answer, Problem
    from gateway.proxy.body.request_body import Client, RequestBody
    from gateway.proxy.errors import EdgeError
    from gateway.proxy.gradio_page.page_side import PageSide
    from gateway.proxy.headers.forwarded import Header, Origin
    from gateway.proxy.relay import Relay
    from gateway.proxy.served_pool import Exchange, ServedPool
    from gateway.proxy.traced import Trace
    from gateway.proxy.tracking.job_tracker import JobTracker
    from gateway.proxy.tracking.jobs import JobInHand
    from gateway.proxy.tracking.stream_watch import StreamWatch
    from gateway.runtime.driver import Slot
    from gateway.upstream.head import AnswerHead


class Leaving(Protocol):
    """A client, or the end of a websocket that speaks with one; see `inbound.Client`."""

    @property
    def gone(self) -> bool: ...
    def on_gone(self, callback: Callable[[], None] | None) -> None: ...


class Visit:
    """Made when a request's head has arrived, filled in on its way. It is the relay's `Teller`."""

    def __init__(
        self,
        scope: MutableMapping[str, Any],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
        *,
        client: Client,
        origin: Origin,
        inbound: RequestBody,
        record: RequestRecord,
    ) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_path: bytes = scope["raw_path"]
        self.query: bytes = scope["query_string"]
        self.target = _origin_form(client.target, scope)
        self.headers: list[Header] = scope["headers"]
        self.client = client
        self.listener: Leaving = client  # who may leave while in line
        self.origin = origin
        self.inbound = inbound
        self.record = record
        self.pool: ServedPool | None = None
        self.slot: Slot | None = None
        self.new_session: str | None = None  # a newcomer's, if a pool was chosen by it
        self.relay: Relay | JobTracker | StreamWatch | PageSide | None = None  # while it is under way
        self.job: JobInHand | None = None
        self.keys: tuple[str, ...] = ()  # who it is besides its cookie
        self.tunnel: Tunnel | WebSocketEnd | None = None  # behind a 101
        self.trace: Trace | None = None  # if it is traced
        self.set_cookie: Callable[[str], bytes | None] | None = None
        self.answering = False  # a byte of an answer was handed out
        self._send = send

    # The relay's side

    def begin(self, head: AnswerHead, *, body_follows: bool) -> None:
        """The backend's head, as the client gets it."""
        headers = self._headers(head)
        self.answering = True
        self.record.status = head.status
        self.client.begin(head.status, headers, hold=body_follows)

    def pass_on(self, piece: bytes) -> None:
        """A piece of the backend's body."""
        self.record.bytes_out += len(piece)
        self.client.pass_on(piece)

    async def end(self, piece: bytes) -> None:
        """The last of it."""
        self.record.bytes_out += len(piece)
        await self._send({"type": "http.response.body", "body": piece, "more_body": False})

    def upgrade(self, head: AnswerHead, exchange: Exchange) -> Tunnel:
        """The backend's 101, as the client gets it, and what follows. Raises UpstreamError, and nothing was sent, if
        the backend does not really agree or is there no longer."""
        assert self.slot is not None
        check_agreement(self.slot.backend.address, self.headers, head)
        tunnel = Tunnel(self.client, exchange)
        tunnel.join(self._headers(head))
        self.tunnel = tunnel
        self.answering = True
        self.record.status = head.status
        return tunnel

    def accept(self, end: WebSocketEnd) -> None:
        """101 in the gateway's own name: from here on `end` speaks with the client. It sets no cookie: nobody knows yet
        where the session will be at home."""
        headers = [(b"sec-websocket-accept", agreement_to(self.headers)), *self._ours(upstream=False)]
        transport, early = self.client.upgrade(headers, end)
        self.tunnel = self.listener = end
        self.answering = True
        self.record.status = 101
        if self.client.write_paused:
            end.pause_writing()
        keep_alive(transport)
        end.open(transport, early)

    async def refuse(self, ending: Ending) -> None:
        """An answer of our own after the request was started."""
        await self._answer(problem_after(ending))

    # The endpoint's side

    def broke(self, error: Exception) -> None:
        """An attempt came to nothing, and another one follows."""
        if self.trace is not None:
            self.trace.broke(str(error))

    async def explain(self, error: EdgeError) -> None:
        """An answer of our own to a request that was not started."""
        problem = problem_for(error)
        self.record.detail = self.record.detail or problem.reason
        await self._answer(problem)

    async def say(self, answer: LocalAnswer) -> None:
        """An answer in a backend's words that no backend has given."""
        if self.client.gone:
            return
        body = b"" if self.method == "HEAD" else answer.body
        headers = [
            (b"content-type", answer.content_type.encode()),
            (b"content-length", b"%d" % len(answer.body)),
            (b"cache-control", b"no-store"),
            *self._ours(upstream=False),
        ]
        await self._send_whole(answer.status, headers, body)

    def close(self, now: float) -> None:
        """It is over, and its record complete."""
        record, slot = self.record, self.slot
        if record.ending is None:  # cancelled from outside, as at a second signal: its connection is cut
            record.ending = Ending.STOPPED_IN_ANSWER
        if record.status is None and record.ending.outcome is Outcome.CLIENT_GONE:
            record.status = CLIENT_CLOSED_REQUEST
        record.ended_at = now
        record.bytes_in = self.inbound.received
        if self.tunnel is not None:
            record.bytes_in, record.bytes_out = self.tunnel.bytes_in, self.tunnel.bytes_out
        if slot is not None:
            record.turns = slot.ticket.turns
            record.place = slot.ticket.place
            if slot.ticket.met is not None or slot.ticket.lane is Lane.COUNTED:
                record.receipt = receipt_of(slot.ticket)
            record.waited = slot.waited
            record.service = slot.service
            record.granted_at = slot.ticket.granted_at if slot.ticket.turns else None
            if slot.ticket.backend is not None:
                record.backend = slot.ticket.backend.name

    async def _answer(self, problem: Problem) -> None:
        if self.client.gone:
            return
        accept = next((value for name, value in self.headers if name == b"accept"), None)
        answer = render(
            problem,
            request_id=self.record.request_id,
            for_people=is_page_load(self.method, accept),
            pool=self.record.pool,
            body_unread=not self.inbound.ended,
            ours=self._ours(upstream=False)[1:],
        )
        await self.tell(answer)

    async def tell(self, answer: Answer) -> None:
        """An answer of our own, whole."""
        await self._send_whole(answer.status, answer.headers, b"" if self.method == "HEAD" else answer.body)

    async def _send_whole(self, status: int, headers: list[Header], body: bytes) -> None:
        self.record.status = status
        self.answering = True
        self.record.bytes_out += len(body)
        await self._send({"type": "http.response.start", "status": status, "headers": headers, "gateway.hold": True})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    def _headers(self, head: AnswerHead) -> list[Header]:
        """Of an answer that is the backend's."""
        pool, slot = self.pool, self.slot
        if self.trace is not None:
            self.trace.answers()
        assert pool is not None
        assert slot is not None
        cookie = self.set_cookie(slot.backend.identity) if self.set_cookie is not None else None
        return answer_headers(
            head.headers, session_cookie=pool.cookies.name, set_cookie=cookie, ours=self._ours(upstream=True)
        )

    def _ours(self, *, upstream: bool) -> list[Header]:
        """What the gateway says of itself on every answer; the request id first."""
        ours = [(b"x-request-id", self.record.request_id.encode())]
        slot = self.slot
        if slot is None:
            return ours
        ticket = slot.ticket
        waited = slot.waited
        timing = b"queue;dur=%.1f" % (waited * 1000)
        if upstream:
            timing += b", upstream;dur=%.1f" % (slot.worked * 1000)
        ours.append((b"server-timing", timing))
        if ticket.place is not None:
            ours.append((b"x-queue-wait", b"%.3f" % waited))
            if upstream:
                ours.append((b"x-queue-position", b"%d" % ticket.place))
        if upstream and self.pool is not None and self.pool.rules.expose_backend:
            ours.append((b"x-backend", slot.backend.name.encode()))
        return ours


def _origin_form(target: bytes, scope: MutableMapping[str, Any]) -> bytes:
    """The target as the backend gets it: the client's own bytes, but for the absolute form, which is for proxies."""
    if target.startswith(b"/") or target == b"*":
        return target
    query: bytes = scope["query_string"]
    path: bytes = scope["raw_path"]
    return path + b"?" + query if query else path
