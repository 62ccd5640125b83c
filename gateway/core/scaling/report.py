"""The report of one revision to a remote autoscaler: its concurrency, period by period.

As Knative's activators keep it (pkg/activator/handler/concurrency_reporter.go and
networking/pkg/http/stats/request.go of Knative Serving). A revision is

    silent   nothing is here, and the autoscaler knows
    known    from the first request on: each tick reports the time-weighted average since the tick before
    silent   again, after the tick that reports 0 of everything, once

A poke is a report of one request ahead of the first tick, for an autoscaler that has to start a pod, or must not
stop one; that tick reports so much less, if it comes within the second of the poke, for the autoscaler adds up what
it hears in one second. Two accounts can be given, and the pods' queue-proxies decide which is right: who counts a
request may not be two.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Accounting(enum.Enum):
    """The two accounts of requests that pods work on: the queue-proxies', or this gateway's."""

    WAITING = "waiting"  # their queue-proxies, which are scraped: what waits here is reported, and no arrivals
    PROXIED = "proxied"  # this gateway: what is at work and what is quarantined is reported, too


@dataclass(frozen=True, slots=True)
class Report:
    """One period, or a poke."""

    average: float  # requests that were here
    arrivals: float  # requests that came


_NOTHING = Report(0.0, 0.0)


class RevisionReport:
    """One revision's account. `now` is in seconds on the pool's clock, and never goes back."""

    def __init__(self, accounting: Accounting, *, goes_by_rate: bool = False) -> None:
        """`goes_by_rate`: the autoscaler counts requests a second. It starts nothing for arrivals it is not told of, so
        a poke then counts as one whoever counts the rest."""
        self.accounting = accounting
        self.goes_by_rate = goes_by_rate
        self._waiting = self._working = 0
        self._arrivals = 0  # ever
        self._told_arrivals = 0  # of them
        self._is_known = False
        self._is_fresh = False  # known, and nothing was told yet
        self._poked = _NOTHING  # to be taken off the next tick
        self._area = self._elapsed = 0.0  # since the last tick: level x seconds, and seconds
        self._weighed_to = 0.0

    def set(self, now: float, *, waiting: int, working: int, arrivals: int) -> None:
        """So many requests wait; pods work on so many, or may (quarantined slots); so many have come, ever. O(1)."""
        self._weigh(now)
        self._waiting, self._working, self._arrivals = waiting, working, arrivals
        if self._is_known:
            return
        if self._level:
            self._is_known = self._is_fresh = True
        else:
            self._told_arrivals = arrivals

    def account(self, now: float, accounting: Accounting, *, goes_by_rate: bool) -> None:
        """Another account from here on."""
        self._weigh(now)
        self.accounting, self.goes_by_rate = accounting, goes_by_rate
        self._told_arrivals = self._arrivals  # those before were the queue-proxies' to count, or have been told
        self.set(now, waiting=self._waiting, working=self._working, arrivals=self._arrivals)

    def poke(self) -> Report | None:
        """A request has come, and no pod is there. None: the autoscaler has been told of some already."""
        if not self._is_fresh:
            return None
        self._is_fresh = False
        counts = self.accounting is Accounting.PROXIED or self.goes_by_rate
        self._poked = Report(1.0, float(counts))
        return self._poked

    def tick(self, now: float, *, after_poke: bool = True) -> Report | None:
        """The period since the last tick is over. `after_poke`: a poke of this period will be added to what is reported
        now. None: silence."""
        self._weigh(now)
        if not self._is_known:
            return None
        seen = Report(self._area / self._elapsed if self._elapsed else 0.0, float(self._new_arrivals()))
        self._is_known = bool(self._level or seen.average or seen.arrivals)
        self._is_fresh = False
        self._area = self._elapsed = 0.0
        self._told_arrivals = self._arrivals
        poked, self._poked = self._poked if after_poke else _NOTHING, _NOTHING
        return Report(max(0.0, seen.average - poked.average), max(0.0, seen.arrivals - poked.arrivals))

    @property
    def _level(self) -> int:
        return self._waiting + (self._working if self.accounting is Accounting.PROXIED else 0)

    def _new_arrivals(self) -> int:
        return self._arrivals - self._told_arrivals if self.accounting is Accounting.PROXIED else 0

    def _weigh(self, now: float) -> None:
        """What has passed since the last change or tick."""
        passed = now - self._weighed_to
        self._weighed_to = now
        if self._is_known:
            self._elapsed += passed
            self._area += self._level * passed
