"""What the endpoint knows of one pool: the parts it calls and the rules for one exchange. Made by the wiring; on reload
its rules are replaced, and requests under way go on with those they began with."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from gateway.core.records.lanes import Lane
from gateway.dialogues.registry import dialogues
from gateway.proxy.session.client_names import ClientNames
from gateway.proxy.session.files import FileHomes
from gateway.proxy.tracking.jobs import Jobs
from gateway.proxy.tracking.ui_functions import UiFunctions

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from gateway.core.records.lanes import WhenBusy
    from gateway.dialogues.dialogue import Dialogue
    from gateway.profiles.treatment import Profile
    from gateway.proxy.answers.waiting_page import WaitingPage
    from gateway.proxy.headers.forwarded import Header
    from gateway.proxy.session.cookie import SessionCookies
    from gateway.runtime.driver import Driver
    from gateway.upstream.head import AnswerHead
    from gateway.upstream.request import UpstreamRequest


class OnClientGone(enum.Enum):
    """What becomes of a backend's work when its client has left."""

    FINISH = "finish"  # read to the end, so that the slot is given back when the backend is done
    CLOSE = "close"  # close at once, then quarantine
    INTERRUPT = "interrupt"  # the profile's interrupt is sent, then as FINISH


@dataclass(frozen=True, slots=True)
class PodHeaders:
    """What a pool's backends are told in headers besides. Clients cannot send any of Knative's own."""

    counted: tuple[Header, ...] = ()
    uncounted: tuple[Header, ...] = ()

    def of(self, lane: Lane | None) -> tuple[Header, ...]:
        """For a request of this lane."""
        return self.counted if lane is Lane.COUNTED else self.uncounted


@dataclass(frozen=True, slots=True)
class Rules:
    """One pool's settings for an exchange. Seconds and bytes."""

    when_busy: WhenBusy
    max_body: int
    body_idle: float
    response_start: float
    idle: float
    write_stall: float
    total: float
    drain_timeout: float | None  # None: what is left of total
    quarantine_max: float | None  # None: what is left of total; 0: the backend stops when its connection closes
    response_spool: int
    on_client_gone: OnClientGone
    longest_wait: float  # what a client may ask for with `Prefer: wait`
    expose_backend: bool
    allowed_origins: frozenset[bytes]  # whose pages may open websockets, besides those of the host asked for
    pod_headers: PodHeaders = PodHeaders()
    waiting_page: WaitingPage | None = None  # None: browsers are held, too
    session_header: bytes | None = None  # in small letters; who has no cookie is known by its value

    def quarantine(self, left: float) -> float:
        """Seconds that a slot is kept when its connection is closed; `left`: what is left of total."""
        return left if self.quarantine_max is None else self.quarantine_max


class Exchange(Protocol):
    """One request to a backend and its answer; `upstream.exchange.Exchange` is one."""

    reused: bool  # on a connection that had carried another request

    @property
    def ready(self) -> bool:
        """`read` would not wait."""

    @property
    def ended(self) -> bool:
        """The piece that `read` gave last was the last one."""

    async def head(self) -> AnswerHead: ...

    def when_whole(self, call: Callable[[AnswerHead], None]) -> None:
        """Call this with the head when the answer has come whole, in the same turn of the loop; at once if it has."""

    async def read(self) -> bytes: ...

    async def pour(self, sink: Callable[[bytes], bool]) -> None:
        """Hand the body to `sink` as it comes, in the same turn of the loop, until that returns False. The last piece
        is left to `read`."""

    def switch(self, tunnel: asyncio.Protocol) -> tuple[asyncio.Transport, bytes]:
        """After a 101: from here on `tunnel` hears what happens on the connection. Returns the transport, with reading
        paused, and what came behind the head. The transport is not to be closed: `finish` and `close` end it. Raises
        UpstreamError if it has ended."""

    def finish(self) -> None:
        """End the tunnel when the backend has taken what is unsent."""

    def close(self) -> None: ...


class Upstream(Protocol):
    """Sends requests to backends; `upstream.dialer.Dialer` is one."""

    async def send(self, address: str, request: UpstreamRequest) -> Exchange: ...

    def send_at_once(self, address: str, request: UpstreamRequest) -> Exchange | None:
        """As `send`, if it needs no waiting; else None."""

    def dial_ahead(self, address: str) -> None:
        """Another request will soon be sent there."""


@dataclass(slots=True)
class ServedPool:
    """One pool as the endpoint sees it."""

    name: str
    driver: Driver
    profile: Profile
    cookies: SessionCookies
    upstream: Upstream
    rules: Rules
    dialogues: Mapping[str, Dialogue] = field(default_factory=dialogues)
    jobs: Jobs = field(default_factory=Jobs)
    remembered: ClientNames = field(default_factory=ClientNames)
    files: FileHomes = field(default_factory=FileHomes)
    functions: UiFunctions = field(default_factory=UiFunctions)

    def quarantine_of_job(self, left: float) -> float:
        """Seconds that a slot is kept whose job may be at work still; `left`: of the job's time. Where the pod itself
        can be asked it has all the time of a job once more."""
        return self.rules.quarantine(left if self.profile.idle is None else self.rules.total)
