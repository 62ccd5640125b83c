"""Demand: what a scaler must serve, and since when no backend serves it. Scalers read it; none is called from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.records.decisions import Warmed
from gateway.core.scaling.concurrency import TimeWeighted

if TYPE_CHECKING:
    from gateway.core.backends.availability import Availability
    from gateway.core.backends.health import Starts
    from gateway.core.line.abandoned import AbandonedTurns
    from gateway.core.line.expected_wait import Estimates
    from gateway.core.line.line import Line
    from gateway.core.line.outlook import Outlook
    from gateway.core.records.counts import Counts
    from gateway.core.scaling.report import RevisionReport


class Demand:
    """One pool's, brought up to date after each fact."""

    def __init__(
        self,
        availability: Availability,
        line: Line,
        starts: Starts,
        estimates: Estimates,
        outlook: Outlook,
        counts: Counts,
        abandoned: AbandonedTurns,
    ) -> None:
        self.load = TimeWeighted()
        self.report: RevisionReport | None = None  # for a remote autoscaler
        self._availability = availability
        self._line = line
        self._starts = starts
        self._estimates = estimates
        self._outlook = outlook
        self._counts = counts
        self._abandoned = abandoned

    @property
    def wanted(self) -> int:
        """What keeps at least one backend up or coming: everything in line, and one for those who only look: an
        arrival that is remembered, pages that tell of the start."""
        line, starts = self._line, self._starts
        watched = starts.watched_until is not None and not self._availability.ready
        return len(line.counted) + len(line.exempt) + (starts.wanted or watched)

    def waiting(self, now: float) -> int:
        """What of it is demand beside what works: who waits behind work that is about to end, for a client that has
        left, is counted once with that."""
        return self.wanted - min(len(self._line.counted), self._abandoned.about_to_end(now))

    @property
    def working(self) -> int:
        """Slots that work, or may: not those of backends that were never asked, of which nobody knows any work."""
        availability = self._availability
        return availability.in_flight + availability.quarantined - availability.unknown

    def settle(self, now: float) -> Warmed | None:
        """Facts have changed. Returns the cold start that is over by that."""
        availability = self._availability
        wanted, working = self.wanted, self.working
        waiting = self.waiting(now)
        self.load.set(now, waiting + working)
        if self.report is not None:
            self.report.set(now, waiting=waiting, working=working, arrivals=self._counts.arrivals)
        since = self._outlook.cold_since
        if not availability.ready and wanted and not availability.somebody_rests:
            if since is None:
                self._outlook.cold_since = now
                self._counts.cold_starts += 1
            return None
        return None if since is None else self._end_cold_start(now - since)

    def _end_cold_start(self, seconds: float) -> Warmed | None:
        """There is a ready backend, or nobody wants one any more."""
        self._outlook.cold_since = None
        if not self._availability.ready:
            return None
        self._starts.watched_until = None
        self._estimates.warmed(seconds)
        return Warmed(seconds)
