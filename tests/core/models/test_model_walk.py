"""Random walks where models matter. First the whole pool's, then one in which there is little but traffic: only a pool
that is at work all the time shows who is overtaken, and for how long.
"""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.core.policy import Policy
from gateway.core.pool import Pool
from gateway.core.records.backends_and_tickets import Ticket, TicketState
from gateway.core.records.decisions import Decision, Ending
from gateway.core.records.lanes import Lane, ModelNeed, WhenBusy
from gateway.core.records.listed import Listed
from tests.core.invariants import Witness, let_pass
from tests.core.test_pool_walk import Walk

COST = 9.0
PODS = ["gpu-1", "gpu-2", "gpu-3"]

needs = st.sampled_from(
    [*(ModelNeed(model) for model in ("x", "x", "y", "z")), ModelNeed("y", stays=True), ModelNeed(None), None]
)


class AnyFact(Walk):
    """Any fact, in any order; the witness knows the one exception, and holds the pool to its bound."""

    switch_cost = COST


class Traffic(RuleBasedStateMachine):
    """Three pods, one of which nothing is known, and hardly any trouble."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.pool = Pool("walk", Policy(model_switch_cost=COST), self.now)
        self.witness = Witness(self.pool)
        self.hear(self.pool.replace_backends([Listed(name, f"{name}:1", name, ready=True) for name in PODS], self.now))
        for name, model in zip(PODS, ("x", "y"), strict=False):
            self.hear(self.pool.backend_model(name, model, self.now, self.now))

    def hear(self, decisions: list[Decision]) -> None:
        self.witness.saw(decisions, self.now)

    @rule(coming=st.lists(needs, min_size=1, max_size=3))
    def arrive(self, coming: list[ModelNeed | None]) -> None:
        for need in coming:
            self.take_in(Ticket(Lane.COUNTED, need=need))

    @rule(need=needs, home=st.sampled_from(PODS), spill=st.booleans())
    def come_back(self, need: ModelNeed | None, home: str, spill: bool) -> None:
        when_busy = WhenBusy.SPILL if spill else WhenBusy.WAIT
        self.take_in(Ticket(Lane.COUNTED, home, home, True, when_busy, need=need))

    def take_in(self, ticket: Ticket) -> None:
        self.witness.met(ticket)
        self.hear(self.pool.arrive(ticket, self.now))

    @rule(pick=st.integers(0, 1000), how=st.sampled_from(["done"] * 8 + ["refused", "broken"]))
    def end(self, pick: int, how: str) -> None:
        holding = [ticket for ticket in self.witness.tickets if ticket.state is TicketState.HOLDING]
        if not holding:
            return
        ticket = holding[pick % len(holding)]
        if how == "refused":
            self.hear(self.pool.give_back(ticket, self.now))
        elif how == "broken":
            self.hear(self.pool.retry(ticket, self.now, 3.0))
        else:
            self.hear(self.pool.leave(ticket, self.now, Ending.SERVED))

    @rule(name=st.sampled_from(PODS), model=st.sampled_from(["x", "y", "z", None]))
    def ask(self, name: str, model: str | None) -> None:
        self.hear(self.pool.backend_model(name, model, self.now, self.now))

    @rule(seconds=st.sampled_from([0.0, 1.0, 3.0, 8.0]))
    def pass_time(self, seconds: float) -> None:
        let_pass(self, seconds)

    @invariant()
    def the_stock_is_true(self) -> None:
        models = self.pool._line.models
        assert models is not None
        for backend in self.pool.backends.values():
            if backend.is_eligible(self.now):
                assert models.stock.loaded(backend) == backend.model
        assert len(models.line) == len(self.pool._line.shared)


TestAnyFact = AnyFact.TestCase
TestAnyFact.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestTraffic = Traffic.TestCase
TestTraffic.settings = settings(max_examples=80, stateful_step_count=60, deadline=None)
