"""A pool with its pods and its visitors in virtual time, and the numbers by which its promises are judged.

Everything that happens follows from what it is told and from the dice the caller brings: the same dice, the same
world.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gateway.core.pool import Pool
from gateway.core.records.backends_and_tickets import TicketState
from gateway.core.scaling.local import Autoscaling, LocalEvaluation
from gateway.simulation.driver import Driver
from gateway.simulation.fleet import Fleet
from gateway.simulation.loop import Loop
from gateway.simulation.visit import Visit

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from gateway.core.policy import Policy
    from gateway.core.records.backends_and_tickets import Ticket
    from gateway.core.records.decisions import Outcome
    from gateway.simulation.visit import Plan


class World:
    """It goes on with `world.loop.run(until)`. `start_seconds`: see Fleet."""

    def __init__(
        self,
        policy: Policy,
        autoscaling: Autoscaling,
        dice: random.Random,
        start_seconds: Callable[[], float | None],
    ) -> None:
        self.dice = dice
        self.loop = Loop()
        self.pool = Pool("simulated", policy, self.loop.now)
        self.driver = Driver(self.pool, self.loop)
        evaluation = LocalEvaluation(self.pool.load, autoscaling, policy.limit, {})
        self.fleet = Fleet(self.driver, evaluation, limit=policy.limit, start_seconds=start_seconds)
        self.accepted = 0
        self.outcomes: Counter[Outcome] = Counter()
        self.sent_twice = 0  # requests that must not be repeated and were: promise G3
        self._unaccounted: set[Visit] = set()

    def visit(self, ticket: Ticket, plan: Plan, then: Callable[[Visit], None] = lambda visit: None) -> Visit:
        """A request arrives now. `then` hears of its end."""

        def ended(visit: Visit) -> None:
            self._account_for(visit)
            then(visit)

        visit = Visit(ticket, plan, self.driver, self.fleet.pods, self.dice, ended)
        self.accepted += 1
        self._unaccounted.add(visit)
        visit.arrive()
        return visit

    @property
    def outcomes_missing(self) -> int:
        """Requests that are no longer here and that nobody has heard of again: promise G2 says none."""
        return sum(visit.ticket.state is TicketState.ENDED for visit in self._unaccounted)

    @property
    def slots_held(self) -> int:
        """Slots that are not free; none when nobody is here and the last quarantine is over: promise G4."""
        return self.pool.in_flight + self.pool.quarantined

    def _account_for(self, visit: Visit) -> None:
        assert visit.ending is not None
        self._unaccounted.remove(visit)
        self.outcomes[visit.ending.outcome] += 1
        self.sent_twice += visit.begun > 1 and not visit.plan.repeatable
