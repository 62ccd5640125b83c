"""The last requests that have ended: the bars of the page's lanes, its last errors, and receipts. Bounded, whether or
not anybody looks.

Strings of clients are cut, and the query is left out: it may carry secrets.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from gateway.core.records.decisions import Ending, Outcome
from gateway.core.records.lanes import Lane
from gateway.core.views.explain import Explained
from gateway.ops.ring import Ring

if TYPE_CHECKING:
    from gateway.core.views.record import RequestRecord

#: Bars kept of a pool: two minutes of eight pods that take a second, of eighty that take ten.
BARS_KEPT = 1000
#: Failures kept of all pools together.
FAILURES_KEPT = 50
#: Receipts kept of all pools together.
RECEIPTS_KEPT = 2000

#: The result of a request that a backend answered whole, with an error of its own (5xx).
ERROR = "error"

_SHOWN_OF_PATH = 80
_SHOWN_OF_DETAIL = 300


class Ended(NamedTuple):
    """One counted request that has ended. Times are seconds on the driver's clock."""

    request: str
    session: str | None  # a short hash
    pod: str | None  # name of the backend that served it last
    arrived: float
    granted: float | None  # None: it had no turn
    over: float  # the backend was done, or it left the line
    result: str  # what the client got: an `Outcome`, or `ERROR`
    code: str  # two letters: who ended it, and where
    status: int | None
    bytes_in: int
    bytes_out: int
    place: int | None  # in line, when it arrived


class Failed(NamedTuple):
    """One request, of whatever lane, whose client got an error or half an answer."""

    at: float
    request: str
    pool: str | None
    pod: str | None
    method: str
    path: str
    status: int | None
    code: str
    ending: str  # the code in words
    detail: str


class RecentRequests:
    """Observes the record of each ended request. Cheap: it is on the path of every request."""

    def __init__(self) -> None:
        self.failed: Ring[Failed] = Ring(FAILURES_KEPT)
        self._ended: dict[str, Ring[Ended]] = {}
        self._receipts: OrderedDict[str, tuple[str | None, str | None, str]] = OrderedDict()  # by request

    def observe(self, record: RequestRecord) -> None:
        """One request has ended."""
        ending = record.ending or Ending.INTERNAL_ERROR
        if record.pool is not None and record.lane is Lane.COUNTED:
            self.ended(record.pool).put(_ended(record, ending))
        if record.receipt:
            self._keep(record)
        if _is_failure(record, ending):
            self.failed.put(_failed(record, ending))

    def explain(self, request: str) -> Explained | None:
        """The receipt of a request that has ended a moment ago. None: not known, or without a receipt."""
        if (known := self._receipts.get(request)) is None:
            return None
        pool, backend, receipt = known
        return Explained(request, pool or "", "ended", None, backend, receipt)

    def _keep(self, record: RequestRecord) -> None:
        self._receipts[record.request_id] = (record.pool, record.backend, record.receipt)
        if len(self._receipts) > RECEIPTS_KEPT:
            self._receipts.popitem(last=False)

    def ended(self, pool: str) -> Ring[Ended]:
        """The counted requests of one pool."""
        if pool not in self._ended:
            self._ended[pool] = Ring(BARS_KEPT)
        return self._ended[pool]

    def forget(self, pool: str) -> None:
        """The pool exists no longer."""
        self._ended.pop(pool, None)


def _is_error(record: RequestRecord) -> bool:
    return record.status is not None and record.status >= 500


def _is_failure(record: RequestRecord, ending: Ending) -> bool:
    """A page that tells of a start is none, and neither is an order about another's job that was answered well."""
    if ending.outcome is Outcome.REFUSED:
        return ending is not Ending.TOLD_OF_START and (record.status is None or record.status >= 400)
    return ending.outcome is Outcome.CUT or (ending.outcome is Outcome.SERVED and _is_error(record))


def _ended(record: RequestRecord, ending: Ending) -> Ended:
    granted = record.granted_at
    over = record.ended_at if granted is None or record.service is None else granted + record.service
    return Ended(
        record.request_id,
        record.session,
        record.backend,
        (over if granted is None else granted) - record.waited,
        granted,
        over,
        ERROR if ending is Ending.SERVED and _is_error(record) else ending.outcome.value,
        ending.value,
        record.status,
        record.bytes_in,
        record.bytes_out,
        record.place,
    )


def _failed(record: RequestRecord, ending: Ending) -> Failed:
    path = record.target.partition(b"?")[0].decode("latin-1")
    return Failed(
        record.ended_at,
        record.request_id,
        record.pool,
        record.backend,
        record.method[:_SHOWN_OF_PATH],
        path[:_SHOWN_OF_PATH],
        record.status,
        ending.value,
        ending.name.lower(),
        record.detail[:_SHOWN_OF_DETAIL],
    )
