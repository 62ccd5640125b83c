"""The core's answers, and the words for how a request ends. Values, not exceptions: being full is normal."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.core.records.backends_and_tickets import Backend, Ticket


class Reason(enum.Enum):
    """Why the core refused a request. Nothing was started, so each is safe to repeat."""

    LINE_FULL = "line_full"
    BYTES_FULL = "bytes_full"
    CLIENT_FULL = "client_full"  # this client holds as much of the line, or of the bytes, as one may
    WAITED_TOO_LONG = "waited_too_long"  # the warm clock ran out
    NOTHING_CAME_UP = "nothing_came_up"  # the cold clock ran out
    CLIENT_LIMIT = "client_limit"  # the client's own limit on waiting ran out
    STARTS_FAIL = "starts_fail"  # no backend is ready and the last three starts died
    NO_BACKEND = "no_backend"  # a passive request, and no backend is ready
    EXPELLED = "expelled"  # an operator took it out of the line
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not, and when it makes sense to ask again."""

    reason: Reason
    retry_after: int  # whole seconds, 1 to 600
    detail: str = ""  # evidence for people, e.g. a dead start's last log line


@dataclass(frozen=True, slots=True)
class Granted:
    """`ticket` begins a turn on `backend`."""

    ticket: Ticket
    backend: Backend


@dataclass(frozen=True, slots=True)
class Rejected:
    """`ticket` has ended without a turn (or without a further one)."""

    ticket: Ticket
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Warmed:
    """Demand had met no ready backend; so many seconds later there is one."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Judged:
    """The turns of `backend` fail: it gets no requests for `seconds`. 0: it is spared, as too few others are ready."""

    backend: Backend
    because: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A slot of `backend` is kept for at most `seconds`: it may still be at work. inf: until somebody ends it."""

    backend: Backend
    ending: Ending
    seconds: float


@dataclass(frozen=True, slots=True)
class Unsure:
    """A slot of `backend` is kept behind a whole answer, as work may go on there: it is to be asked."""

    backend: Backend


Decision = Granted | Rejected | Warmed | Judged | Quarantined | Unsure


class Outcome(enum.Enum):
    """The fate of an accepted request. Promise G2: accepted = the sum of these + still here."""

    SERVED = "served"  # answered whole, by a backend or in its place
    CUT = "cut"  # its answer began and was cut
    REFUSED = "refused"  # answered by the gateway itself
    CLIENT_GONE = "client_gone"


class Ending(enum.Enum):
    """How a request ended: two letters, as in HAProxy's log. First who ended it: C client left, c client was too
    slow, S backend broke, s backend or line was too slow, P the gateway, L the gateway in a backend's place; then
    where: R request, Q line, C connect, H before the answer's head, D in the answer's body."""

    SERVED = "--"
    ANSWERED_HERE = "LQ"  # about a job in line or out of reach, or about a start
    NOT_YOURS = "LR"  # an order about a job that is not the client's: nobody was told
    NO_ROUTE = "PR"  # no pool, denied, too large, malformed in a way only the endpoint sees
    REFUSED = "PQ"  # line or bytes full, stopping, fail-fast, passive and nobody ready
    TOLD_OF_START = "LW"  # got a page that tells of the cold start (L: as HAProxy's "locally handled")
    WAITED = "sQ"  # a clock of the line ran out
    CLIENT_LEFT_UPLOADING = "CR"
    CLIENT_SLOW_UPLOADING = "cR"
    CLIENT_LEFT_WAITING = "CQ"
    CLIENT_LEFT_BEFORE_ANSWER = "CH"
    CLIENT_LEFT_IN_ANSWER = "CD"
    CLIENT_STALLED = "cD"
    BACKEND_BROKE_BEFORE_ANSWER = "SH"
    BACKEND_BAD_ANSWER = "PH"
    BACKEND_SLOW_ANSWER = "sH"
    BACKEND_BROKE_IN_ANSWER = "SD"
    BACKEND_STALLED_IN_ANSWER = "sD"
    STOPPED_BEFORE_ANSWER = "KH"  # the gateway's grace ran out (K: as HAProxy's "killed")
    STOPPED_IN_ANSWER = "KD"
    INTERNAL_ERROR = "IH"  # a defect of ours; the log has the traceback
    INTERNAL_ERROR_IN_ANSWER = "ID"

    outcome: Outcome  #: The class of promise G2 that this ending counts in.


_OUTCOMES = {
    Ending.SERVED: Outcome.SERVED,
    Ending.ANSWERED_HERE: Outcome.SERVED,
    Ending.CLIENT_LEFT_UPLOADING: Outcome.CLIENT_GONE,
    Ending.CLIENT_LEFT_WAITING: Outcome.CLIENT_GONE,
    Ending.CLIENT_LEFT_BEFORE_ANSWER: Outcome.CLIENT_GONE,
    Ending.CLIENT_LEFT_IN_ANSWER: Outcome.CLIENT_GONE,
    Ending.CLIENT_STALLED: Outcome.CUT,
    Ending.BACKEND_BROKE_IN_ANSWER: Outcome.CUT,
    Ending.BACKEND_STALLED_IN_ANSWER: Outcome.CUT,
    Ending.STOPPED_IN_ANSWER: Outcome.CUT,
    Ending.INTERNAL_ERROR_IN_ANSWER: Outcome.CUT,
}

for _ending in Ending:
    _ending.outcome = _OUTCOMES.get(_ending, Outcome.REFUSED)
