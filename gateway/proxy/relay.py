"""Relays a backend's answer to the client, and gives the slot back.

The slot is given back when the *backend* is done, not when the client is: if the client leaves or a timer fires, the
relay reads on, discarding, until the answer's end or until `drain_timeout` is over; then the connection is closed and
the slot quarantined. Closed at once are only uncounted requests, streams without an end of their own, and everything
where the pool says so.

While the client keeps up, each piece is written as it comes. When a counted answer's client falls behind, a spool
takes the rest (`body/slow_reader.py`), so that the backend does not wait for it; on other lanes the backend does. An
answer that is 101 makes a tunnel of the two connections (`websocket/tunnel.py`), which has its turn while it lives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.proxy import not_started, queued_jobs
from gateway.proxy.body.slow_reader import SlowReader
from gateway.proxy.errors import EdgeError
from gateway.proxy.pool.rules import SHORTEST_QUARANTINE, OnClientGone
from gateway.upstream.errors import UpstreamError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from gateway.core.line.room import Room
    from gateway.proxy.body.request_body import Client
    from gateway.proxy.cancel_scope import CancelScopes
    from gateway.proxy.exchange import Exchange
    from gateway.proxy.not_started import TooEarly
    from gateway.proxy.pool.rules import Rules
    from gateway.proxy.teller import RelayTeller
    from gateway.proxy.websocket.tunnel import Tunnel
    from gateway.runtime.driver import Slot
    from gateway.upstream.head import AnswerHead

#: A timer is moved when it is off by more than so many seconds: moving it for each piece would cost too much.
_COARSE = 1.0

#: The status of an answer behind which both speak another protocol.
_SWITCHING = 101

#: Answers that end when the client leaves, but for those whose `Manner` says that they end with their work.
_ENDLESS = (b"text/event-stream", b"multipart/x-mixed-replace")


class NothingStarted(Exception):
    """The backend answered that it did not take the request."""

    def __init__(self) -> None:
        super().__init__("the backend did not take the request")


@dataclass(frozen=True, slots=True)
class Manner:
    """How one exchange is to be handled, by its request and its profile."""

    may_repeat: bool  # the request's body could be sent once more
    works_after_disconnect: bool  # the end of a stream that has none of its own does not end the backend's work
    stream_ends: bool = False  # a stream that answers it ends with its work, so it is read on to its end
    job_outlives_answer: bool = False  # work goes on behind an answer that came whole: the slot is left to the caller
    may_queue: bool = False  # an answer may name a job that the backend has only queued, and it can be asked about that
    too_early: TooEarly | None = None  # so a backend answers whose routes are not all there yet


@dataclass(frozen=True, slots=True)
class Means:
    """What a relay calls besides its exchange and its client."""

    scopes: CancelScopes
    spare_room: Callable[[], Room]  # for an answer that is spooled
    interrupt: Callable[[], anyio.Event]  # begins to tell the backend to stop; the event is set when that is over
    tunnel_open: Callable[[Tunnel], AbstractContextManager[object]]  # around the life of a tunnel


class Relay:
    """One exchange, from the request's last byte to the end of its slot. `run` is called once."""

    def __init__(
        self,
        exchange: Exchange,
        slot: Slot,
        client: Client,
        teller: RelayTeller,
        rules: Rules,
        manner: Manner,
        means: Means,
    ) -> None:
        now = slot.now()
        self._exchange = exchange
        self._slot = slot
        self._client = client
        self._teller = teller
        self._rules = rules
        self._manner = manner
        self._means = means
        self.evidence = ""  # what broke in mid-answer
        self._counted = slot.ticket.lane is Lane.COUNTED
        self._head: AnswerHead | None = None  # None: not yet
        self._ending: Ending | None = None  # so the client's part ended; the backend may still be at work
        self._left = False  # the client did, or was cut for taking nothing
        self._stopped = False
        self._interrupted: anyio.Event | None = None
        self._total_until = self._read_until = now + rules.total
        self._scope = means.scopes.until(min(self._read_until, now + rules.response_start))

    async def run(self) -> Ending:
        """Returns how it ended; the slot is given back by then. Only the slot of a job that outlives its answer is left
        to the caller.

        Raises, with the turn still held, its `at_risk` up to date and nothing sent to the client: NothingStarted,
        UpstreamError, and what the request's own body raised.
        """
        self._client.on_gone(self._client_left)
        self._exchange.when_hinted(self._hint)
        self._exchange.when_whole(self._backend_done)
        try:
            if not await self._transferred():
                await self._end_for_client(self._why_late())
                if not self._is_worth_draining() or not await self._drained():
                    await self._give_back(self._after_stream() if self._is_endless() else self._quarantine())
            return self._ended()
        except (UpstreamError, EdgeError) as error:
            if self._head is None and self._ending is None:
                self._slot.at_risk = self._quarantine()
                raise
            self.evidence = str(error)
            await self._end_for_client(Ending.BACKEND_BROKE_IN_ANSWER)
            await self._give_back(self._quarantine())
            return self._ended()
        finally:
            self._client.on_gone(None)
            self._exchange.close()

    def keep_until(self, told: anyio.Event) -> None:
        """The backend is being told to stop this work: its slot is not given back before that is over."""
        self._interrupted = told

    def stop(self) -> None:
        """The gateway's grace is over."""
        self._stopped = True
        self._scope.interrupt()

    # Bytes

    async def _transferred(self) -> bool:
        """Pass on the whole answer. False: the client left, the time is over, or the gateway stops."""
        async with self._scope:
            head = self._heard(await self._exchange.head())
            await (self._tunnel(head) if head.status == _SWITCHING else self._answer(head))
        return not self._scope.happened

    def _heard(self, head: AnswerHead) -> AnswerHead:
        """By its status the backend is judged when the turn ends. Accepted is not done."""
        self._slot.ticket.status = head.status
        self._slot.ticket.may_go_on |= self._manner.may_queue and head.status == HTTPStatus.ACCEPTED
        return head

    def _hint(self, head: AnswerHead) -> None:
        """Called by the exchange, outside of any task."""
        if self._listens():
            self._teller.hint(head)

    async def _answer(self, head: AnswerHead) -> None:
        await self._begin(head)
        while not self._exchange.ended:
            if not (self._client.write_paused and self._listens()):
                await self._exchange.pour(self._take)
            if not (self._client.write_paused and self._listens()):  # the last piece, or the client has left
                await self._pass_on(await self._exchange.read())
            elif self._counted:
                await self._spool_the_rest()
            else:
                self._scope.deadline = self._read_until  # the client's time, not the backend's
                await self._taken()
                self._allow(self._rules.idle)

    def _take(self, piece: bytes) -> bool:
        """Called by the exchange, outside of any task. Whether the client keeps up."""
        if not self._listens():
            return False
        self._allow(self._rules.idle)
        self._teller.pass_on(piece)
        return not self._client.write_paused

    async def _tunnel(self, head: AnswerHead) -> None:
        """No timer of ours runs, and it is the tunnel that hears of the client from here on."""
        if not self._listens():
            await anyio.lowlevel.checkpoint()  # the client left in this very turn: here `run` takes over
        tunnel = self._teller.upgrade(head, self._exchange)
        self._head = head
        self._client.on_gone(None)
        self._slot.ticket.endless = True
        self._scope.deadline = math.inf
        try:
            with self._means.tunnel_open(tunnel):
                self._ending = await tunnel.run()
        finally:
            self._total_until = self._slot.now() + self._rules.total  # the last message may have begun some work
        self.evidence = tunnel.evidence
        broke = self._ending is Ending.BACKEND_BROKE_IN_ANSWER
        await self._give_back(self._quarantine() if broke else self._after_stream())

    async def _drained(self) -> bool:
        """Read the answer to its end for the sake of the slot alone. False: it did not come in time."""
        done = self._slot.is_over or self._exchange.ended  # a job that goes on has its slot yet
        self._slot.client_left()
        if self._left and self._rules.on_client_gone is OnClientGone.INTERRUPT and not done:
            self._interrupted = self._means.interrupt()
        if self._rules.drain_timeout is not None:
            self._read_until = min(self._read_until, self._slot.now() + self._rules.drain_timeout)
        async with self._means.scopes.until(self._read_until) as self._scope:
            self._head = self._heard(await self._exchange.head())
            self._slot.ticket.may_go_on |= self._has_to_be_read(self._head)  # nobody reads what it says
            while not self._exchange.ended:
                if self._is_endless():
                    return False
                await self._exchange.read()
            await self._give_back()
        return not self._scope.happened

    async def _begin(self, head: AnswerHead) -> None:
        """The head, and as much of the body as has come with it. If that is all of it, the slot goes first."""
        first = await self._peek(head)
        if self._exchange.ready and not (self._exchange.ended or self._client.write_paused):
            first = await self._exchange.read()
        ended = self._exchange.ended
        if ended and not self._slot.is_over:
            await self._give_back()
        self._head = head
        self._slot.ticket.endless = self._is_endless()
        if not ended:
            self._allow(self._rules.idle)
        follows = ended or bool(first)
        if self._listens():
            self._teller.begin(head, body_follows=follows)
        if follows:
            await self._write(first, not ended)

    async def _peek(self, head: AnswerHead) -> bytes:
        """The body of an answer that may mean that nothing was started, or queued. Raises NothingStarted."""
        body = b""
        if self._has_to_be_read(head):
            while not self._exchange.ended:
                body += await self._exchange.read()
            nothing = not_started.says_so(head.status, body, too_early=self._manner.too_early)
            if nothing and self._manner.may_repeat and self._listens():
                raise NothingStarted
            self._slot.ticket.may_go_on |= self._manner.may_queue and queued_jobs.names_one(body)
        return body

    def _has_to_be_read(self, head: AnswerHead) -> bool:
        """Its body says what became of the work."""
        may_be_nothing = not_started.may_say_so(head.status, head.length, too_early=self._manner.too_early)
        return may_be_nothing or (self._manner.may_queue and queued_jobs.may_name_one(head))

    async def _pass_on(self, piece: bytes) -> None:
        ended = self._exchange.ended
        if not ended:
            self._allow(self._rules.idle)
        elif not self._slot.is_over:
            await self._give_back()
        await self._write(piece, not ended)

    async def _write(self, piece: bytes, more: bool) -> None:
        if not self._listens():
            return
        if more:
            self._teller.pass_on(piece)
        else:
            self._scope.deadline = self._slot.now() + self._rules.write_stall  # nothing else is waited for any more
            await self._teller.end(piece)

    async def _spool_the_rest(self) -> None:
        reader = SlowReader(
            self._means.spare_room(), limit=self._rules.response_spool, write=self._write, ready=self._taken
        )
        failure: UpstreamError | None = None
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(reader.write_out)
                try:
                    while not self._exchange.ended:
                        piece = await self._exchange.read()
                        self._scope.deadline = self._read_until  # a full spool waits for the client
                        await reader.put(piece)
                        self._allow(self._rules.idle)
                except UpstreamError as error:  # taken out by hand: a task group would wrap it
                    failure = error
                    tasks.cancel_scope.cancel()
                else:
                    await self._give_back()
                    self._scope.deadline = math.inf  # the rest is the client's time
                    reader.complete()
        finally:
            reader.close()
        if failure is not None:
            raise failure

    async def _taken(self) -> bool:
        """Until the client has taken what was written, and whether it is still there. One that takes nothing for too
        long is cut."""
        if self._client.write_paused and self._listens():
            with anyio.move_on_after(self._rules.write_stall) as patience:
                await self._client.drained()
            if patience.cancelled_caught and self._ending is None:
                self._ending = Ending.CLIENT_STALLED
                self._client.cut()
        return self._listens()

    def _backend_done(self, head: AnswerHead) -> None:
        """Called by the exchange, outside of any task, when the answer has come whole: the slot is given back before
        anything is done for this client. What has to be thought over first is left to `_give_back`."""
        is_tunnel = self._heard(head).status == _SWITCHING
        to_read = self._has_to_be_read(head)
        if not (to_read or is_tunnel or self._manner.job_outlives_answer or self._interrupted is not None):
            self._slot.done(self._ended())

    async def _give_back(self, quarantine: float = 0.0) -> None:
        """The slot; not while an interrupt is on its way, which would stop the next one's work. Whoever gets it goes
        first: the backend is idle until they have written, while this client has only the last piece to come."""
        if self._interrupted is not None:
            await self._interrupted.wait()
        if self._manner.job_outlives_answer and quarantine == 0.0 and self._exchange.ended:
            return
        if self._slot.done(self._ended(), quarantine):
            await anyio.lowlevel.checkpoint()

    # Time

    def _allow(self, seconds: float) -> None:
        """So long until the next piece."""
        deadline = min(self._slot.now() + seconds + _COARSE, self._read_until)
        if abs(deadline - self._scope.deadline) > _COARSE:
            self._scope.deadline = deadline

    def _is_worth_draining(self) -> bool:
        """Whether to read on for the sake of the slot, once the client's part is over."""
        if self._stopped or not self._counted or self._is_endless():
            return False
        return not (self._left and self._rules.on_client_gone is OnClientGone.CLOSE)

    def _after_stream(self) -> float:
        """Seconds that the slot is kept when a stream without an end of its own is over."""
        return self._quarantine() if self._manner.works_after_disconnect else 0.0

    def _quarantine(self) -> float:
        """Seconds that the slot is kept though the connection is closed."""
        return self._rules.quarantine(max(SHORTEST_QUARANTINE, self._total_until - self._slot.now()))

    # People

    def _listens(self) -> bool:
        return self._ending is None and not self._client.gone

    def _client_left(self) -> None:
        """Called by the connection, outside of any task: `run` does the rest."""
        self._left = True
        if self._ending is None:
            self._ending = Ending.CLIENT_LEFT_BEFORE_ANSWER if self._head is None else Ending.CLIENT_LEFT_IN_ANSWER
        self._scope.interrupt()

    def _is_endless(self) -> bool:
        if self._head is not None and self._head.status == _SWITCHING:
            return True
        headers = self._head.headers if self._head is not None and not self._manner.stream_ends else ()
        return any(name == b"content-type" and value.lower().startswith(_ENDLESS) for name, value in headers)

    def _why_late(self) -> Ending:
        if self._stopped:
            return Ending.STOPPED_BEFORE_ANSWER if self._head is None else Ending.STOPPED_IN_ANSWER
        if self._exchange.ended:
            return Ending.CLIENT_STALLED
        return Ending.BACKEND_SLOW_ANSWER if self._head is None else Ending.BACKEND_STALLED_IN_ANSWER

    def _ended(self) -> Ending:
        return self._ending or Ending.SERVED

    async def _end_for_client(self, ending: Ending) -> None:
        """The client gets no (whole) answer, if it has not had its end already."""
        if self._ending is not None:
            return
        self._ending = ending
        self._client.on_gone(None)
        if self._head is not None:
            self._client.cut()
        else:
            await self._teller.refuse(ending)
