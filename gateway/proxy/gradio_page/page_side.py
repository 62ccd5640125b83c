"""One click on a page of Gradio 3, which is a websocket: the gateway speaks with the page in a pod's place until it
knows what the click is. Then it is a request like any other, with a lane and a ticket; while it is in line the page is
told its place. At each turn the event is played to the pod (`pod_side.py`).

    the page joins ── its hash, its data ──> lane, ticket ── in line ──> turn ── completed ──> the slot is free
         └── too late, too long ──> the end      └── left: out of the line    └── left: `on_client_gone`

So the slot is the job's, and not the socket's. What goes wrong is told in Gradio's words, which the page shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from websockets.frames import CloseCode
from websockets.protocol import Side

from gateway.core.line.expected_wait import RETRY_UNKNOWN
from gateway.core.records.decisions import Ending, Reason, Refusal
from gateway.core.records.lanes import Lane
from gateway.dialogues import gradio_socket as gradio
from gateway.dialogues.websocket import WebSocketEnd
from gateway.profiles.treatment import LOOK
from gateway.proxy import classification
from gateway.proxy.answers.problems import problem_for
from gateway.proxy.endings import ending_of
from gateway.proxy.errors import BadMessage, BodyTooLarge, BodyTooSlow, ClientLeft, Denied, EdgeError, Refused
from gateway.proxy.full_log import warn_if_full
from gateway.proxy.gradio_page.pod_side import PodSide
from gateway.proxy.gradio_page.position_updates import PositionUpdates
from gateway.proxy.pod_request import headers_for
from gateway.proxy.relay import NothingStarted
from gateway.proxy.ticketing import remember, ticket_for
from gateway.proxy.tracking import clicks
from gateway.proxy.tracking.job_orders import carried_out
from gateway.proxy.waiting import until_turn
from gateway.proxy.who import who_asks
from gateway.upstream.errors import NotSent, UpstreamError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from gateway.core.records.backends_and_tickets import Ticket
    from gateway.profiles.treatment import LocalAnswer, Treatment
    from gateway.proxy.context import RequestContext
    from gateway.proxy.pool.served_pool import ServedPool
    from gateway.runtime.driver import Slot

#: Bytes that a page may send besides its data: its hash, frames, pings.
_BESIDES = 64 * 1024

#: Seconds for the page to say goodbye in turn.
_FAREWELL = 5.0

#: The pod answered the handshake with something else.
_NOT_TAKEN = "The backend did not take the event, so nothing was started."

#: The page's own, which the gateway has not taken up: it must not offer them to the pod.
_OFFERS = (b"sec-websocket-extensions", b"sec-websocket-protocol")

_FULL = (Reason.LINE_FULL, Reason.BYTES_FULL, Reason.CLIENT_FULL)


class PageSide:
    """One event, from the page's handshake, which is in order, to its last message. `run` is called once."""

    def __init__(
        self,
        context: RequestContext,
        pool: ServedPool,
        treatment: Treatment,
        *,
        spawn: Callable[[str, Callable[[], Awaitable[None]]], None],
        cookie_seen: Callable[[str, str], None],
        bounded: Callable[[Ticket], AbstractAsyncContextManager[None]],
    ) -> None:
        """`treatment` is what is known before the page has said anything; `bounded` is around what its ticket waits and
        works; for the others see `Endpoint`."""
        self._context = context
        self._pool = pool
        self._treatment = treatment
        self._spawn = spawn
        self._cookie_seen = cookie_seen
        self._bounded = bounded
        self._room = pool.driver.pool.spare_room(who_asks(context, pool, cookie_seen))
        self._has_room = True
        self._is_heard = True  # it has not said everything yet
        self._page = WebSocketEnd(Side.SERVER, takes=self._takes)
        self._scope = anyio.CancelScope()  # of an answer that is waited for
        self._stopped = False
        self._at_pod: PodSide | None = None

    async def run(self) -> Ending:
        """Returns how it ended; the page has been told, and the slot given back."""
        context, page = self._context, self._page
        context.relay = self
        try:
            ending = await self._served()
        except EdgeError as error:
            ending = error.ending
            warn_if_full(context, error)
            context.record.detail = context.record.detail or problem_for(error).reason
            page.send(_told(error))
        except UpstreamError as error:
            ending = ending_of(error)
            context.record.detail = str(error)
            page.send(gradio.failed(_NOT_TAKEN))
        finally:
            context.relay = None
            self._is_heard = False
            self._room.close()
        await self._farewell()
        return ending

    def keep_until(self, told: anyio.Event) -> None:
        """The pod is being told to stop this job: its slot is not given back before that is over."""
        if self._at_pod is not None:
            self._at_pod.keep_until(told)

    def stop(self) -> None:
        """The gateway's grace is over."""
        self._stopped = True
        self._scope.cancel()
        if self._at_pod is not None:
            self._at_pod.stop()

    # The page

    def _takes(self, count: int) -> bool:
        """Room for bytes that the page has sent. What comes behind its data is not kept, and costs nothing."""
        if not self._is_heard:
            return True
        self._has_room = not self._is_too_much and self._room.take(count)
        return self._has_room

    @property
    def _is_too_much(self) -> bool:
        return self._page.bytes_in > self._pool.rules.max_body + _BESIDES

    async def _asked(self) -> tuple[bytes, bytes]:
        """The page's hash and its data."""
        if self._context.client.gone:
            raise ClientLeft(Ending.CLIENT_LEFT_BEFORE_ANSWER)
        self._context.answer.accept(self._page)
        self._page.send(gradio.SEND_HASH)
        its_hash = await self._answer(gradio.HASH_WITHIN)
        if not gradio.is_hash(its_hash):
            raise BadMessage
        self._page.send(gradio.SEND_DATA)
        data = await self._answer(gradio.DATA_WITHIN)
        self._is_heard = False
        self._page.listen_no_more()
        return its_hash, data

    async def _answer(self, within: float) -> bytes:
        message: bytes | None = None
        with anyio.move_on_after(within) as self._scope:
            message = await self._page.receive()
        if self._stopped:
            raise Refused(Refusal(Reason.STOPPING, RETRY_UNKNOWN))
        if self._scope.cancelled_caught:
            raise BodyTooSlow(self._page.bytes_in, within)
        if message is None:
            raise self._why_silent()
        return message

    def _why_silent(self) -> EdgeError:
        if self._is_too_much:
            return BodyTooLarge(self._pool.rules.max_body)
        if not self._has_room:
            return Refused(self._pool.driver.bytes_refusal(self._room))
        return ClientLeft(Ending.CLIENT_LEFT_UPLOADING)

    async def _say(self, answer: LocalAnswer) -> None:
        self._page.send(answer.body)

    async def _farewell(self) -> None:
        """When the page has taken what it was told."""
        page, client = self._page, self._context.client
        if await page.drained(self._pool.rules.write_stall):
            await page.close(CloseCode.NORMAL_CLOSURE, _FAREWELL)
            client.finish()
        else:
            client.cut()

    # The request

    async def _served(self) -> Ending:
        context, pool = self._context, self._pool
        its_hash, data = await self._asked()
        treatment = classification.answered(context, self._treatment, data[:LOOK], whole=len(data) <= LOOK)
        context.record.lane = treatment.lane
        if treatment.lane is Lane.DENIED:
            raise Denied
        ticket = ticket_for(context, pool, treatment, self._cookie_seen)

        async def serve(slot: Slot) -> Ending:
            return await self._turns(slot, its_hash, data)

        treatment = await clicks.settled(treatment, context, pool, ticket)
        if treatment.more is not None and treatment.more.control is not None:
            return await carried_out(treatment.more.control, context, pool, ticket, serve=serve, say=self._say)
        async with self._bounded(ticket):
            with pool.driver.slot(ticket) as slot:
                context.slot = slot
                context.job = pool.jobs.taken_in(context, slot, treatment)
                return await serve(slot)

    async def _turns(self, slot: Slot, its_hash: bytes, data: bytes) -> Ending:
        """A turn, and another one for as long as nothing was started."""
        headers = [header for header in headers_for(self._context, self._pool) if header[0] not in _OFFERS]
        while True:
            with PositionUpdates(self._page, self._pool.driver.pool, slot):
                await until_turn(self._context, slot)
            remember(self._context, self._pool, slot)
            if self._stopped:
                raise Refused(Refusal(Reason.STOPPING, RETRY_UNKNOWN), slot.ticket.place)
            self._at_pod = PodSide(self._page, self._context, self._pool, slot, spawn=self._spawn)
            try:
                return await self._at_pod.run(headers, its_hash, data)
            except (NotSent, NothingStarted) as error:
                self._context.broke(error)
                slot.again()
            finally:
                self._at_pod = None


def _told(error: EdgeError) -> bytes:
    if isinstance(error, Refused) and error.refusal.reason in _FULL:
        return gradio.QUEUE_FULL
    if isinstance(error, BodyTooSlow):
        return gradio.failed(gradio.TOO_LATE)
    problem = problem_for(error)
    return gradio.failed(f"{problem.title}. {problem.detail}")
