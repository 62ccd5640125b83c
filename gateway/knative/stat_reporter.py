"""Reports every revision to Knative's autoscaler: each second, and at once when a request meets no ready pod. Counts
nothing itself: the pools' own reports do (`core/scaling/report.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import anyio

from gateway.core.scaling.report import Accounting
from gateway.knative.stat_codec import Stat, StatMessage, encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.scaling.report import Report, RevisionReport

#: Statistics are sent at half past each second. The autoscaler files them under the second in which they arrive and
#: adds up what arrives in one: sent on the turn of a second, two would now and then share one, and five in flight be
#: taken for six.
HALF_PAST = 0.5

#: A timer that is early by less than so many seconds has done its duty.
_EARLY = 0.25


class Link(Protocol):
    """`AutoscalerLink` is one."""

    @property
    def is_up(self) -> bool:
        """Whether frames are sent now."""

    @property
    def down_since(self) -> float | None:
        """On the reporter's clock; None: it is up."""

    def tell(self, frame: bytes) -> None:
        """One period's statistics."""

    def poke(self, frame: bytes) -> None:
        """Sends a frame that must not wait for the next period."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One that is reported."""

    namespace: str
    name: str
    report: RevisionReport
    is_cold: Callable[[], bool]  # no pod of it is ready
    stable_window: float = 60.0  # seconds that its autoscaler looks back


class StatReporter:
    """All revisions' statistics over one link. Revisions may come and go while it runs."""

    def __init__(
        self, link: Link, pod_name: str, *, clock: Callable[[], float], wall_clock: Callable[[], float]
    ) -> None:
        """`pod_name`: whose statistics they are. `clock`: the pools' and the link's, in seconds; `wall_clock`: seconds
        since 1970."""
        self._link = link
        self._pod_name = pod_name
        self._clock = clock
        self._wall_clock = wall_clock
        self._revisions: dict[str, Revision] = {}
        self._reported: dict[str, float] = {}
        self._poked_in: dict[str, int] = {}  # by pool: the second of the last poke

    def add(self, pool: str, revision: Revision) -> None:
        """From here on `pool` is reported as `revision`."""
        self._revisions[pool] = revision

    def remove(self, pool: str) -> None:
        """The pool is reported no more."""
        self._revisions.pop(pool, None)
        self._reported.pop(pool, None)
        self._poked_in.pop(pool, None)

    def reported(self) -> dict[str, float]:
        """Requests that the autoscaler was last told of, by pool. Silence is 0."""
        return {pool: self._reported.get(pool, 0.0) for pool in self._revisions}

    def degraded(self) -> list[str]:
        """Pools whose pods the autoscaler may soon take for idle: nobody but this gateway reports them, and it has not
        been heard for more than half of what the autoscaler looks back."""
        if (since := self._link.down_since) is None:
            return []
        silence = self._clock() - since
        return [
            pool
            for pool, revision in self._revisions.items()
            if revision.report.accounting is Accounting.PROXIED and silence > revision.stable_window / 2
        ]

    def poke(self, pool: str) -> None:
        """A request has joined the pool's line, or has got a turn, and the pool has counted it. Cheap: call it for
        each.

        Told at once is the first request after a silence: one that meets no ready pod has to start one, and one
        that gets a turn at once must be heard of before the autoscaler goes to zero. Of those whose turns the
        queue-proxies report, only the former is ours to tell."""
        revision = self._revisions.get(pool)
        if revision is None or not self._link.is_up:
            return
        if revision.report.accounting is not Accounting.PROXIED and not revision.is_cold():
            return
        if (report := revision.report.poke()) is not None:
            self._poked_in[pool] = self._second()
            self._link.poke(encode([self._message(revision, report)]))

    async def run(self) -> None:
        """Report every second until cancelled, whether or not anybody hears it."""
        while True:
            left = 1 - (self._wall_clock() - HALF_PAST) % 1
            await anyio.sleep(left if left > _EARLY else left + 1)
            self._tick()

    def _tick(self) -> None:
        now = self._clock()
        messages: list[StatMessage] = []
        for pool, revision in self._revisions.items():
            in_one_second = self._poked_in.pop(pool, None) == self._second()
            report = revision.report.tick(now, after_poke=in_one_second)
            self._reported[pool] = report.average if report is not None else 0.0
            if report is not None:
                messages.append(self._message(revision, report))
        if messages:
            self._link.tell(encode(messages))

    def _second(self) -> int:
        """The autoscaler files what it is told under the second in which that arrives, and adds up what is in one."""
        return int(self._wall_clock())

    def _message(self, revision: Revision, report: Report) -> StatMessage:
        """Without a timestamp: the autoscaler's clock is the one that counts, and one of the future would blind it."""
        stat = Stat(self._pod_name, report.average, request_count=report.arrivals)
        return StatMessage(revision.namespace, revision.name, stat)
