"""Tracks a job that goes on behind its answer, and keeps its slot: hears the answer on its way to the client, then
follows the job by its dialogue until the pod is done.

The client has its answer all the while, and is not waited for. What cannot be followed to its end, because the time is
over or nothing can be seen, leaves its slot in quarantine: there the pod's own word that it is idle frees it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import structlog

from gateway.core.records.backends_and_tickets import TicketState
from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.dialogues.dialogue import HEARD, Answered, End
from gateway.proxy.pool.rules import SHORTEST_QUARANTINE
from gateway.proxy.tracking.overheard import OverheardExchange, uncompressed
from gateway.proxy.tracking.pod_query import PodQuery
from gateway.proxy.tracking.stream_watch import StreamWatch

if TYPE_CHECKING:
    from gateway.dialogues.dialogue import Dialogue, Job
    from gateway.profiles.treatment import Treatment
    from gateway.proxy.context import RequestContext
    from gateway.proxy.exchange import Exchange
    from gateway.proxy.pool.served_pool import ServedPool
    from gateway.runtime.driver import Slot
    from gateway.upstream.head import AnswerHead
    from gateway.upstream.request import UpstreamRequest


class JobTracker:
    """One turn with a dialogue: `prepare` its request, `hear` its exchange, relay that, then `run`."""

    outlives_answer = True  # its turn lasts beyond its answer

    def __init__(
        self, dialogue: Dialogue, context: RequestContext, pool: ServedPool, slot: Slot, name: str | None
    ) -> None:
        """`name`: the client's of the job."""
        self._dialogue = dialogue
        self._name = name
        self._context = context
        self._pool = pool
        self._slot = slot
        self._heard: _Beginning | None = None
        self._scope = anyio.CancelScope()
        self._told: anyio.Event | None = None

    def prepare(self, request: UpstreamRequest) -> None:
        """Its answer is to be read here, too: it must not be compressed."""
        request.headers = uncompressed(request.headers)

    def hear(self, exchange: Exchange) -> Exchange:
        """The same exchange, overheard."""
        self._heard = _Beginning()
        return OverheardExchange(exchange, self._heard)

    def keep_until(self, told: anyio.Event) -> None:
        """The pod is being told to stop this job: its slot is not given back before that is over."""
        self._told = told

    def stop(self) -> None:
        """The gateway's grace is over."""
        self._scope.cancel()

    async def run(self) -> None:
        """Until the pod is done with the job, for what is left of `timeouts.total`. The slot is given back by then."""
        slot = self._slot
        if slot.ticket.state is not TicketState.HOLDING:  # the answer broke, or was closed: it is in quarantine
            return
        job = self._begun()
        if job is not None:
            self._make_known(job)
        end = End.SEEN if job is None else await self._followed(job)
        if job is not None:
            self._remember_what_it_made(job)
        if self._told is not None:
            await self._told.wait()
        if end is End.UNSEEN:
            slot.done(Ending.BACKEND_STALLED_IN_ANSWER, self._quarantine())
            return
        slot.ticket.may_go_on |= end is End.GAVE_NOTHING
        if end is End.FAILED and job is not None:
            slot.ticket.failure = f"a job of its broke ({job.failure})"
        if end is End.LOST:
            slot.ticket.failure = "it lost a job"
            structlog.get_logger().warning(
                "job_lost",
                pool=self._pool.name,
                backend=slot.backend.name,
                means="the pod knows nothing any more of a job that it took",
                do="see in its log whether it was restarted; the client has to send the job again",
            )
        slot.done(Ending.SERVED)

    def _begun(self) -> Job | None:
        heard = self._heard
        assert heard is not None
        assert heard.answer is not None
        body, whole = bytes(heard.body[:HEARD]), len(heard.body) <= HEARD
        context = self._context
        answered = Answered(context.raw_path, context.keys, heard.answer.status, body, whole, self._name)
        return self._dialogue.begun(answered)

    def _make_known(self, job: Job) -> None:
        """So the pod calls it, and so will those who ask for it."""
        if self._context.job is not None and job.name is not None:
            self._pool.jobs.name(self._context.job, job.name)
        self._remember_what_it_made(job)
        if job.keys and (session := self._slot.ticket.session) is not None:
            self._pool.client_names.remember(job.keys, session, self._slot.backend.identity)

    def _remember_what_it_made(self, job: Job) -> None:
        for name in job.made:
            self._pool.files.put_for(self._context, self._slot.ticket.session, name, self._slot.backend.identity)

    def _quarantine(self) -> float:
        pool = self._pool
        return pool.quarantine_of_job(max(SHORTEST_QUARANTINE, pool.rules.total - self._slot.worked))

    def close(self) -> None:
        """The relay has closed the exchange."""

    async def _followed(self, job: Job) -> End:
        slot, rules = self._slot, self._pool.rules
        pod = PodQuery(self._pool.upstream, slot.backend, rules.pod_headers.uncounted, rules.mounts.root)
        with self._scope, anyio.move_on_after(max(0.0, rules.total - slot.worked)):
            return await job.until_over(pod)
        return End.UNSEEN


class _Beginning:
    """An answer's head, and the beginning of its body."""

    wants_more = False  # the job's end is not told by this answer

    def __init__(self) -> None:
        self.answer: AnswerHead | None = None
        self.body = bytearray()  # one byte more than `HEARD` says that there is more

    def heard_head(self, head: AnswerHead) -> None:
        self.answer = head

    def heard(self, piece: bytes) -> None:
        self.body += piece[: HEARD + 1 - len(self.body)]


def tracker_of(
    treatment: Treatment, context: RequestContext, pool: ServedPool, slot: Slot
) -> JobTracker | StreamWatch | None:
    """For a turn whose treatment names a dialogue that is spoken here: a counted one begins a job, another may tell of
    some, and an answer may name files. None for all others."""
    more = treatment.more
    if more is None or (name := more.dialogue or more.answer) is None:
        return None
    its = pool.dialogues.get(name)
    if its is None:
        return None
    if treatment.lane is Lane.COUNTED and more.dialogue is not None:
        return JobTracker(its, context, pool, slot, more.job)
    ear = its.ear(context.keys)
    if ear is None:
        return None

    def found(file: str) -> None:
        pool.files.put_for(context, slot.ticket.session, file, slot.backend.identity)

    return StreamWatch(ear, pool.rules.total, found)
