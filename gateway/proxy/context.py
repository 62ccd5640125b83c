"""A request on its way: its facts, and who serves it now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gateway.core.records.decisions import Ending, Outcome
from gateway.core.records.lanes import Lane
from gateway.core.records.receipt import receipt_of
from gateway.proxy.answers.problems import CLIENT_CLOSED_REQUEST
from gateway.proxy.request import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    import anyio

    from gateway.proxy.headers.forwarded import Header
    from gateway.proxy.pool.jobs import JobInHand
    from gateway.proxy.pool.served_pool import ServedPool
    from gateway.proxy.session.chosen_models import Choice
    from gateway.proxy.session.cookie import Claim
    from gateway.proxy.teller import Teller
    from gateway.proxy.traced import Trace
    from gateway.runtime.driver import Slot


class Leaving(Protocol):
    """A client, or the end of a websocket that speaks with one; see `request_body.Client`."""

    @property
    def gone(self) -> bool: ...
    def on_gone(self, callback: Callable[[], None] | None) -> None: ...


class UnderWay(Protocol):
    """What works on the request at this moment: a relay, a job that is followed, the page's side of an event."""

    def keep_until(self, told: anyio.Event) -> None:
        """A backend is being told to stop this work: its slot is not given back before `told` is set."""

    def stop(self) -> None:
        """The gateway's grace is over."""


class Moved(Protocol):
    """A connection behind a 101, by the bytes that went each way."""

    @property
    def bytes_in(self) -> int: ...
    @property
    def bytes_out(self) -> int: ...


class RequestContext(Request):
    """Made with its request's head, filled in on the way."""

    answer: Teller  # speaks to the client; set by the endpoint at once
    listener: Leaving  # who may leave while in line: the client, or the end of its websocket
    pool: ServedPool | None = None
    slot: Slot | None = None
    cors: tuple[Header, ...] = ()  # of answers of our own: its page may read them
    kept_back: tuple[Header, ...] = ()  # the headers that brought its key, which is no backend's business
    is_uninvited: bool = False  # a preflight, which cannot bring the key that is needed
    is_sent_by_browsers: bool = False  # with its key, also for pages of other sites
    new_session: str | None = None  # a newcomer's, if a pool was chosen by it
    relay: UnderWay | None = None  # while it is under way
    job: JobInHand | None = None
    who: str | None = None  # whose share of the line it takes; None: its cookie was not read yet
    claim: Claim | None = None  # of its session cookie
    keys: tuple[str, ...] = ()  # who it is besides its cookie
    choice: Choice | None = None  # the model that its client has chosen for it
    tunnel: Moved | None = None  # behind a 101
    trace: Trace | None = None  # if it is traced
    set_cookie: Callable[[str], bytes | None] | None = None

    def broke(self, error: Exception) -> None:
        """An attempt came to nothing, and another one follows."""
        if self.trace is not None:
            self.trace.broke(str(error))

    def close(self, now: float) -> None:
        """It is over, and its record complete. Lets go of the answer, which refers back to it: what hangs together in a
        circle waits for a collection of garbage."""
        record, slot = self.record, self.slot
        if record.ending is None:  # cancelled from outside, as at a second signal: its connection is cut
            record.ending = Ending.STOPPED_IN_ANSWER
        if record.status is None and record.ending.outcome is Outcome.CLIENT_GONE:
            record.status = CLIENT_CLOSED_REQUEST
        record.ended_at = now
        record.bytes_in = self.request_body.received
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
        del self.answer
