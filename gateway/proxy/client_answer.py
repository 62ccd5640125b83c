"""The answer to a client: a backend's, or one of the gateway's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.proxy.answers.interim import reads_on
from gateway.proxy.answers.problems import is_page_load, problem_after, problem_for, render
from gateway.proxy.headers.cors import EXPOSED
from gateway.proxy.headers.passed_on import answer_headers, hint_headers
from gateway.proxy.websocket.handshake import agreement_to, check_agreement
from gateway.proxy.websocket.tunnel import Tunnel, keep_alive

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from gateway.core.records.decisions import Ending
    from gateway.dialogues.websocket import WebSocketEnd
    from gateway.profiles.treatment import LocalAnswer
    from gateway.proxy.answers.problems import Answer, Problem
    from gateway.proxy.context import RequestContext
    from gateway.proxy.errors import EdgeError
    from gateway.proxy.exchange import Exchange
    from gateway.proxy.headers.forwarded import Header
    from gateway.upstream.head import AnswerHead


class ClientAnswer:
    """The answer to one request. Is a `Teller`."""

    def __init__(self, context: RequestContext, send: Callable[[MutableMapping[str, Any]], Awaitable[None]]) -> None:
        self.begun = False  # a byte of an answer was handed out
        self._context = context
        self._send = send

    def hint(self, head: AnswerHead) -> None:
        """A backend's 103, if something is left of it that a client may act on, and the client reads on behind it. No
        answer has begun by it."""
        if (hints := hint_headers(head.headers)) and reads_on(self._context.headers):
            self._context.client.hint(hints)

    def begin(self, head: AnswerHead, *, body_follows: bool) -> None:
        """The backend's head, as the client gets it."""
        headers = self._headers(head)
        self.begun = True
        self._context.record.status = head.status
        self._context.client.begin(head.status, headers, hold=body_follows)

    def pass_on(self, piece: bytes) -> None:
        """A piece of the backend's body."""
        self._context.record.bytes_out += len(piece)
        self._context.client.pass_on(piece)

    async def end(self, piece: bytes) -> None:
        """The last of it."""
        self._context.record.bytes_out += len(piece)
        await self._send({"type": "http.response.body", "body": piece, "more_body": False})

    def upgrade(self, head: AnswerHead, exchange: Exchange) -> Tunnel:
        """The backend's 101, as the client gets it, and what follows. Raises UpstreamError, and nothing was sent, if
        the backend does not really agree or is there no longer."""
        assert self._context.slot is not None
        check_agreement(self._context.slot.backend.address, self._context.headers, head)
        tunnel = Tunnel(self._context.client, exchange)
        tunnel.join(self._headers(head))
        self._context.tunnel = tunnel
        self.begun = True
        self._context.record.status = head.status
        return tunnel

    def accept(self, end: WebSocketEnd) -> None:
        """101 in the gateway's own name: from here on `end` speaks with the client. It sets no cookie: nobody knows yet
        where the session will be at home."""
        headers = [(b"sec-websocket-accept", agreement_to(self._context.headers)), *self._ours(upstream=False)]
        transport, early = self._context.client.upgrade(headers, end)
        self._context.tunnel = self._context.listener = end
        self.begun = True
        self._context.record.status = 101
        if self._context.client.write_paused:
            end.pause_writing()
        keep_alive(transport)
        end.open(transport, early)

    async def refuse(self, ending: Ending) -> None:
        """An answer of our own after the request was started."""
        await self._answer(problem_after(ending))

    async def explain(self, error: EdgeError) -> None:
        """An answer of our own to a request that was not started."""
        problem = problem_for(error)
        self._context.record.detail = self._context.record.detail or problem.evidence or problem.reason
        await self._answer(problem)

    async def say(self, answer: LocalAnswer) -> None:
        """An answer in a backend's words that no backend has given."""
        if self._context.client.gone:
            return
        body = b"" if self._context.method == "HEAD" else answer.body
        headers = [
            (b"content-type", answer.content_type.encode()),
            (b"content-length", b"%d" % len(answer.body)),
            (b"cache-control", b"no-store"),
            *self._ours(upstream=False),
        ]
        await self._send_whole(answer.status, headers, body)

    async def _answer(self, problem: Problem) -> None:
        if self._context.client.gone:
            return
        accept = next((value for name, value in self._context.headers if name == b"accept"), None)
        answer = render(
            problem,
            request_id=self._context.record.request_id,
            for_people=is_page_load(self._context.method, accept),
            pool=self._context.record.pool,
            body_unread=not self._context.request_body.ended,
            ours=self._ours(upstream=False)[1:],
            also=self._in_its_words(problem),
        )
        await self.tell(answer)

    def _in_its_words(self, problem: Problem) -> dict[str, object]:
        """What the pages of this kind of backend read in a refusal."""
        pool = self._context.pool
        refusal = pool.profile.refusal if pool is not None else None
        return refusal(problem.title, problem.detail) if refusal is not None else {}

    async def tell(self, answer: Answer) -> None:
        """An answer of our own, whole."""
        await self._send_whole(answer.status, answer.headers, b"" if self._context.method == "HEAD" else answer.body)

    async def _send_whole(self, status: int, headers: list[Header], body: bytes) -> None:
        self._context.record.status = status
        self.begun = True
        self._context.record.bytes_out += len(body)
        await self._send({"type": "http.response.start", "status": status, "headers": headers, "gateway.hold": True})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    def _headers(self, head: AnswerHead) -> list[Header]:
        """Of an answer that is the backend's."""
        pool, slot = self._context.pool, self._context.slot
        if self._context.trace is not None:
            self._context.trace.answers()
        assert pool is not None
        assert slot is not None
        cookie = self._context.set_cookie(slot.backend.identity) if self._context.set_cookie is not None else None
        return answer_headers(
            head.headers, session_cookie=pool.cookies.name, set_cookie=cookie, ours=self._ours(upstream=True)
        )

    def _cors(self, *, upstream: bool) -> tuple[Header, ...]:
        """Whether a page may read it a backend says of its answers itself; not that there is more to be read."""
        granted = self._context.cors
        return (EXPOSED,) if granted and upstream else granted

    def _ours(self, *, upstream: bool) -> list[Header]:
        """What the gateway says of itself on every answer; the request id first."""
        ours = [(b"x-request-id", self._context.record.request_id.encode()), *self._cors(upstream=upstream)]
        slot = self._context.slot
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
        if upstream and self._context.pool is not None and self._context.pool.rules.expose_backend:
            ours.append((b"x-backend", slot.backend.name.encode()))
        return ours
