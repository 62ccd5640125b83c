"""Makes the parts of a pool and tells them of each other. Each part knows only those that were made before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.backends.availability import Availability
from gateway.core.backends.health import Starts
from gateway.core.backends.judge import Judge
from gateway.core.backends.membership import Membership
from gateway.core.line.abandoned import AbandonedTurns
from gateway.core.line.admission import Admission
from gateway.core.line.deadlines import Deadlines
from gateway.core.line.expected_wait import Estimates
from gateway.core.line.line import Line
from gateway.core.line.match import Match
from gateway.core.line.outlook import Outlook
from gateway.core.line.room import Budget
from gateway.core.line.turn_ends import TurnEnds
from gateway.core.records.counts import Counts
from gateway.core.scaling.demand import Demand
from gateway.core.sessions.homes import SessionHomes
from gateway.core.sessions.table import SessionTable

if TYPE_CHECKING:
    from gateway.core.policy import Policy


class Parts:
    """One pool's, at rest: nothing has arrived and no backend is known."""

    def __init__(self, policy: Policy, now: float) -> None:
        self.budget = Budget(policy)
        self.sessions = SessionTable(policy.session_capacity, policy.session_ttl)
        self.estimates = Estimates()
        self.starts = Starts()
        self.counts = Counts()
        self.availability = Availability(policy)
        self.judge = Judge(self.availability, self.counts)
        self.line = Line(self.budget)
        self.deadlines = Deadlines(now)
        self.homes = SessionHomes(self.sessions, self.availability, self.counts)
        self.match = Match(self.availability, self.line, self.deadlines, self.homes, self.counts)
        self.abandoned = AbandonedTurns(self.estimates)
        self.turn_ends = TurnEnds(
            self.availability, self.match, self.judge, self.homes, self.estimates, self.counts, self.abandoned
        )
        self.membership = Membership(
            self.availability,
            self.counts,
            sessions_at=self.sessions.at_home,
            reconsider=self.match.reconsider,
            pardon=self.judge.pardon,
            end_quarantines=self.turn_ends.free,
        )
        self.outlook = Outlook(self.availability, self.line, self.estimates)
        self.admission = Admission(self.availability, self.line, self.budget, self.starts, self.outlook)
        self.demand = Demand(
            self.availability, self.line, self.starts, self.estimates, self.outlook, self.counts, self.abandoned
        )
