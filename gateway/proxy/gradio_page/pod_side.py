"""One turn of a page's event: the gateway joins the pod's queue in the page's place, answers what it is asked, and
passes on what the pod says, until it has completed the event.

    handshake ── its hash ── its data ──> at work ── process_completed ──> the slot is given back
      └── breaks, is full: nothing was started      └── breaks, is too late: quarantine, and the page is told
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
from websockets.frames import CloseCode
from websockets.protocol import Side

from gateway.core.line.expected_wait import RETRY_UNKNOWN
from gateway.core.records.decisions import Ending, Reason, Refusal
from gateway.core.records.lanes import Lane
from gateway.dialogues import gradio_socket as gradio
from gateway.dialogues.gradio_files import FileNames
from gateway.dialogues.gradio_socket import Said
from gateway.dialogues.websocket import WebSocketEnd
from gateway.proxy import not_started
from gateway.proxy.answers.problems import problem_after
from gateway.proxy.errors import Refused
from gateway.proxy.pod_request import request_of
from gateway.proxy.pool.rules import SHORTEST_QUARANTINE, OnClientGone
from gateway.proxy.relay import NothingStarted
from gateway.proxy.tracking.give_up import interrupt
from gateway.proxy.websocket.handshake import check_agreement
from gateway.proxy.websocket.tunnel import keep_alive
from gateway.upstream.errors import BadAnswer, UpstreamError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.proxy.context import RequestContext
    from gateway.proxy.exchange import Exchange
    from gateway.proxy.headers.forwarded import Header
    from gateway.proxy.pool.served_pool import ServedPool
    from gateway.runtime.driver import Slot
    from gateway.upstream.head import AnswerHead

#: Bytes that the page has not taken before the pod is made to wait.
_UNTAKEN = 1 << 20


class PodSide:
    """`run` is called once. The page is told everything but the pod's questions."""

    def __init__(
        self,
        page: WebSocketEnd,
        context: RequestContext,
        pool: ServedPool,
        slot: Slot,
        spawn: Callable[[str, Callable[[], Awaitable[None]]], None],
    ) -> None:
        """The slot has its turn. `spawn` runs a task that may outlive its request."""
        rules, now = pool.rules, slot.now()
        self._page = page
        self._context = context
        self._pool = pool
        self._slot = slot
        self._spawn = spawn
        self._pod = WebSocketEnd(Side.CLIENT, longest=max(_UNTAKEN, rules.response_spool))
        self._files = FileNames()
        self._is_counted = slot.ticket.lane is Lane.COUNTED
        self._works = False  # the pod has the data
        self._stopped = False
        self._told: anyio.Event | None = None
        self._total_until = now + rules.total
        self._scope = anyio.CancelScope(deadline=min(self._total_until, now + rules.response_start))

    async def run(self, headers: list[Header], its_hash: bytes, data: bytes) -> Ending:
        """`headers`: of the handshake. Returns how it ended, with the slot given back and the page told.

        Raises, with the turn still held: NotSent and NothingStarted; BadAnswer of a pod that speaks no websocket;
        Refused if the gateway stops. Nothing was started then.
        """
        slot = self._slot
        request = request_of(self._context, self._pool, headers, None, reusable=False)
        slot.at_risk = 0.0
        self._context.record.detail = ""
        exchange = await self._pool.upstream.send(slot.backend.address_for(slot.ticket.lane), request)
        if self._context.trace is not None:
            self._context.trace.dialled(reused=exchange.reused)
        last: bytes | None = None
        try:
            with self._scope:
                self._page.on_gone(self._page_left)
                head = await exchange.head()
                await self._check(exchange, request.headers, head)
                transport, behind = exchange.switch(self._pod)
                keep_alive(transport)
                self._pod.open(transport, behind)
                last = await self._played(its_hash, data)
            is_over = last is not None or self._is_let_go
            return await (self._completed(last) if is_over else self._broken())
        except UpstreamError as error:
            if isinstance(error, BadAnswer):
                raise
            raise NothingStarted from error
        finally:
            self._page.on_gone(None)
            await self._leave(exchange, in_order=last is not None)

    def keep_until(self, told: anyio.Event) -> None:
        """The pod is being told to stop this event: its slot is not given back before that is over."""
        self._told = told

    def stop(self) -> None:
        """The gateway's grace is over."""
        self._stopped = True
        self._scope.cancel()

    # The pod

    async def _check(self, exchange: Exchange, headers: list[Header], head: AnswerHead) -> None:
        address = self._slot.backend.address
        if head.status == 101:
            check_agreement(address, headers, head)
            if self._context.trace is not None:
                self._context.trace.answers()
            return
        body = b""
        if not_started.may_say_so(head.status, head.length):
            while not exchange.ended:
                body += await exchange.read()
            if not_started.says_so(head.status, body):
                raise NothingStarted
        raise BadAnswer(address, f"{head.status} to the handshake of a websocket")

    async def _played(self, its_hash: bytes, data: bytes) -> bytes | None:
        """The pod's last message; None: it has closed without one."""
        while (message := await self._pod.receive()) is not None:
            self._remember_files(message)
            match gradio.said(message):
                case Said.COMPLETED:
                    return message
                case Said.FULL if not self._works:
                    raise NothingStarted
                case Said.WANTS_HASH:
                    self._pod.send(its_hash)
                case Said.WANTS_DATA:
                    await anyio.lowlevel.checkpoint_if_cancelled()  # the page may have left in this very turn
                    self._begin(data)
                case _:
                    await self._pass_on(message)
        return None

    def _remember_files(self, message: bytes) -> None:
        """A page in a frame of another site has no cookie, and fetches them by their names alone."""
        for file in self._files.heard(message):
            self._pool.files.put_for(self._context, self._slot.ticket.session, file, self._slot.backend.identity)

    def _begin(self, data: bytes) -> None:
        """From here on the pod may be at work."""
        if not self._works:
            self._works = True
            self._slot.at_risk = self._pool.rules.quarantine(self._pool.rules.total)
            self._scope.deadline = self._total_until  # it says nothing while it works
            self._pod.send(data)
            if self._is_counted and self._pool.driver.pool.waiting:
                self._pool.upstream.dial_ahead(self._slot.backend.address)

    async def _pass_on(self, message: bytes) -> None:
        self._page.send(message)
        if self._page.unsent > _UNTAKEN and not await self._page.drained(self._pool.rules.write_stall):
            self._page.give_up()

    # The end

    @property
    def _is_let_go(self) -> bool:
        """The pod has closed in order, without a last word: somebody has cancelled the event (Gradio's `cancels`; seen
        with 3.41.2), and the pod's own queue begins the next one. A pod that can be asked is not believed."""
        in_order = self._pod.left_in_order and not (self._stopped or self._scope.cancelled_caught)
        return self._works and in_order and self._pool.profile.idle is None

    async def _completed(self, last: bytes | None) -> Ending:
        """`last`: the pod's last word to the page; None: it has let the event go without one."""
        ending = Ending.CLIENT_LEFT_BEFORE_ANSWER if self._page.gone else Ending.SERVED
        self._slot.ticket.may_go_on |= last is not None and gradio.has_no_output(last)
        await self._give_back(ending)
        if last is not None:
            self._page.send(last)
        return ending

    async def _broken(self) -> Ending:
        ending = self._why()
        if ending is Ending.BACKEND_BROKE_BEFORE_ANSWER:
            self._context.record.detail = self._pod.why_gone
        if not self._works:
            if ending is Ending.STOPPED_BEFORE_ANSWER:
                raise Refused(Refusal(Reason.STOPPING, RETRY_UNKNOWN), self._slot.ticket.place)
            if ending is Ending.BACKEND_BROKE_BEFORE_ANSWER:
                raise NothingStarted
        await self._give_back(ending, self._quarantine() if self._works else 0.0)
        if ending is not Ending.CLIENT_LEFT_BEFORE_ANSWER:
            problem = problem_after(ending)
            self._page.send(gradio.failed(f"{problem.title}. {problem.detail}"))
        return ending

    def _why(self) -> Ending:
        if self._stopped:
            return Ending.STOPPED_BEFORE_ANSWER
        if self._page.gone:
            return Ending.CLIENT_LEFT_BEFORE_ANSWER
        return Ending.BACKEND_SLOW_ANSWER if self._scope.cancelled_caught else Ending.BACKEND_BROKE_BEFORE_ANSWER

    def _quarantine(self) -> float:
        return self._pool.quarantine_of_job(max(SHORTEST_QUARANTINE, self._total_until - self._slot.now()))

    async def _give_back(self, ending: Ending, quarantine: float = 0.0) -> None:
        """Not while an interrupt is on its way, which would stop the next one's work."""
        if self._told is not None:
            await self._told.wait()
        if self._slot.done(ending, quarantine):
            await anyio.lowlevel.checkpoint()  # whoever has got a turn goes first

    async def _leave(self, exchange: Exchange, *, in_order: bool) -> None:
        """The connection to the pod."""
        if in_order:
            await self._pod.close(CloseCode.NORMAL_CLOSURE, 0.0)
            exchange.finish()
        exchange.close()

    # People

    def _page_left(self) -> None:
        """Called by the connection, outside of any task."""
        rules, pool = self._pool.rules, self._pool
        if not (self._works and self._is_counted) or rules.on_client_gone is OnClientGone.CLOSE:
            self._scope.cancel()
            return
        self._slot.client_left()
        if rules.on_client_gone is OnClientGone.INTERRUPT:
            self._told = interrupt(pool, self._slot.backend.address_for(Lane.EXEMPT), self._spawn)
        if rules.drain_timeout is not None:
            self._scope.deadline = min(self._scope.deadline, self._slot.now() + rules.drain_timeout)
