"""Random walks over the pool's invariants: any fact, in any order, at any time."""

from __future__ import annotations

import math
from dataclasses import replace

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.core.line.room import NOBODY, Room
from gateway.core.policy import Balancing, Policy
from gateway.core.pool import Pool
from gateway.core.records.backends_and_tickets import Ticket, TicketState
from gateway.core.records.decisions import Decision, Ending
from gateway.core.records.lanes import Lane, ModelNeed, WhenBusy
from gateway.core.records.listed import BackendState, Listed
from tests.core.invariants import Witness, let_pass

PODS = ["gpu-1", "gpu-2", "gpu-3"]
pods = st.sampled_from(PODS)
pick = st.integers(0, 1_000_000)


NEEDS = [
    None,
    *(ModelNeed(model, stays) for model in (None, "x", "y", "z") for stays in (False, True) if model or not stays),
]
needs = st.sampled_from(NEEDS)


class Walk(RuleBasedStateMachine):
    """A pool of up to three pods, and everybody who has ever come."""

    switch_cost = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.policy = Policy(
            limit=1,
            line_limit=9,
            cold_timeout=60,
            queue_timeout=30,
            session_ttl=50,
            session_capacity=3,
            can_ask=True,
            health_errors=2,
            model_switch_cost=self.switch_cost,
        )
        self.pool = Pool("walk", self.policy, self.now)
        self.witness = Witness(self.pool)
        self.rooms: list[Room] = []

    def hear(self, decisions: list[Decision]) -> None:
        self.witness.saw(decisions, self.now)

    def some(self, pick: int, state: TicketState) -> Ticket | None:
        candidates = [t for t in self.witness.tickets if t.state is state]
        return candidates[pick % len(candidates)] if candidates else None

    @initialize(ready=st.sets(pods), moves=st.sampled_from([None, 0.0, 6.0]))
    def open(self, ready: set[str], moves: float | None) -> None:
        self.hear(self.pool.refit(replace(self.policy, move_when_busy=moves), self.now))
        self.list_pods(ready, fresh=True)

    # Four rules that make traffic, and two that make trouble: rules are drawn evenly, and trouble needs traffic.

    @rule(
        lane=st.sampled_from([Lane.COUNTED] * 4 + [Lane.EXEMPT, Lane.PASSIVE]),
        session=st.sampled_from([None, None, "a", "b", "c", "d"]),
        home=st.sampled_from([None, *PODS, "gone"]),
        spill=st.booleans(),
        anchored=st.sampled_from([False, False, True]),
        patience=st.sampled_from([math.inf, math.inf, 3.0]),
        need=needs,
        may_go_on=st.booleans(),
    )
    def arrive(
        self,
        lane: Lane,
        session: str | None,
        home: str | None,
        spill: bool,
        anchored: bool,
        patience: float,
        need: ModelNeed | None,
        may_go_on: bool,
    ) -> None:
        when_busy = WhenBusy.SPILL if spill else WhenBusy.WAIT
        ticket = Ticket(lane, session, home if session else None, home is not None, when_busy, patience, need=need)
        ticket.may_go_on, ticket.anchored = may_go_on, anchored and home is not None
        ticket.who = session or NOBODY
        room = self.rooms.pop() if self.rooms and lane is Lane.COUNTED else None
        self.take_in(ticket, room)
        if room is not None:
            room.close()

    @rule(crowd=st.lists(st.tuples(st.sampled_from([None, *PODS]), needs), min_size=3, max_size=5))
    def crowd(self, crowd: list[tuple[str | None, ModelNeed | None]]) -> None:
        """More than there are pods, some bound and some not: only a line of both kinds shows who overtakes whom."""
        for home, need in crowd:
            self.take_in(Ticket(Lane.COUNTED, home, home, home is not None, need=need))

    def take_in(self, ticket: Ticket, room: Room | None = None) -> None:
        self.witness.met(ticket)
        self.hear(self.pool.arrive(ticket, self.now, room))

    @rule(pick=pick, ending=st.sampled_from(Ending), quarantine=st.sampled_from([0.0, 0.0, 0.0, 5.0, 40.0]))
    def finish(self, pick: int, ending: Ending, quarantine: float) -> None:
        if ticket := self.some(pick, TicketState.HOLDING):
            ticket.status = (200, 200, 422, None)[pick % 4]
            self.hear(self.pool.leave(ticket, self.now, ending, quarantine))

    @rule(picks=st.lists(pick, min_size=1, max_size=4), quarantine=st.sampled_from([0.0, 0.0, 5.0]))
    def fail(self, picks: list[int], quarantine: float) -> None:
        """So many answers in a row are a 500."""
        for each in picks:
            if ticket := self.some(each, TicketState.HOLDING):
                ticket.status = 500
                self.hear(self.pool.leave(ticket, self.now, Ending.SERVED, quarantine))

    @rule(
        pick=pick,
        what=st.sampled_from(
            ["give up", "expel", "abandon", "leave again", "refused", "broken", "upload", "stop uploading"]
        ),
    )
    def trouble_with_a_request(self, pick: int, what: str) -> None:
        if what == "give up" and (ticket := self.some(pick, TicketState.WAITING)):
            self.hear(self.pool.leave(ticket, self.now, Ending.CLIENT_LEFT_WAITING))
        elif what == "expel" and (ticket := self.some(pick, TicketState.WAITING)):
            ticket.label = "expelled"
            self.hear(self.pool.expel("expelled", self.now))
            assert ticket.state is TicketState.ENDED
        elif what == "abandon" and (ticket := self.some(pick, TicketState.HOLDING)):
            self.hear(self.pool.client_left(ticket, self.now))
        elif what == "leave again" and (ticket := self.some(pick, TicketState.ENDED)):
            self.hear(self.pool.leave(ticket, self.now, Ending.SERVED, 9.0))
        elif what == "refused" and (ticket := self.some(pick, TicketState.HOLDING)):
            self.hear(self.pool.give_back(ticket, self.now))
        elif what == "broken" and (ticket := self.some(pick, TicketState.HOLDING)):
            self.hear(self.pool.retry(ticket, self.now, 5.0))
        elif what == "upload":
            if isinstance(room := self.pool.enter(self.now, ("a", "b", NOBODY)[pick % 3]), Room):
                room.take(pick % 100)
                self.rooms.append(room)
            self.hear([])
        elif what == "stop uploading" and self.rooms:
            self.rooms.pop(pick % len(self.rooms)).close()

    @rule(
        name=pods,
        names=st.sets(pods, min_size=1),
        what=st.sampled_from(
            [
                *(
                    "listed",
                    "state",
                    "idle",
                    "busy",
                    "mute",
                    "release",
                    "drain",
                    "undrain",
                    "scale down",
                    "start",
                    "look",
                ),
                *("rules", "model"),
            ]
        ),
        pick=pick,
    )
    def trouble_with_a_backend(self, name: str, names: set[str], what: str, pick: int) -> None:
        if what == "listed":
            self.list_pods(names, fresh=pick % 2 == 0)
        elif what == "state":
            states = [BackendState.READY] * 3 + list(BackendState)
            self.hear(self.pool.set_state(name, states[pick % len(states)], self.now))
        elif what == "idle":
            self.hear(self.pool.backend_idle(name, self.now - (0.0, 0.5)[pick % 2], self.now))
        elif what == "busy":
            self.hear(self.pool.backend_busy(name, self.now))
        elif what == "mute":
            self.hear(self.pool.backend_cannot_be_asked(name, self.now))
        elif what == "release":
            self.hear(self.pool.release(name, self.now))
        elif what == "drain":
            self.hear(self.pool.drain(name, self.now))
            assert name not in self.pool.backends or not self.pool.backends[name].is_eligible(self.now)
        elif what == "undrain":
            self.hear(self.pool.undrain(name, self.now))
        elif what == "scale down":
            identity, decisions = self.pool.take_for_removal(self.now)
            assert identity is None or not self.pool.backends[identity].in_flight, "a busy one is never stopped"
            self.hear(decisions)
        elif what == "start":
            if pick % 4:
                self.hear(self.pool.start_failed("exit code 1", self.now + pick % 30, self.now))
            else:
                self.pool.start_succeeded(self.now)
                self.hear([])
        elif what == "look":
            self.pool.watch_start(self.now)
            self.hear([])
        elif what == "model":
            model = (None, "x", "y")[pick % 3]
            self.hear(self.pool.backend_model(name, model, self.now - (0.0, 2.0)[pick % 2], self.now))
        elif what == "rules":
            rules = replace(
                self.policy,
                limit=(0, 1, 1, 2)[pick % 4],
                balancing=list(Balancing)[pick % 3],
                spill_after=(0.0, 4.0)[pick % 2],
                move_when_busy=(None, 0.0, 6.0)[pick // 2 % 3],
                health_errors=(2, 3, 0)[pick // 5 % 3],
                health_max_ejected=(50, 100, 10)[pick // 7 % 3],
                model_switch_cost=self.switch_cost and (self.switch_cost, self.switch_cost, 4.0, 0.0)[pick // 4 % 4],
            )
            self.hear(self.pool.refit(rules, self.now))

    def list_pods(self, names: set[str], fresh: bool) -> None:
        listing = [Listed(name, f"{name}:1", name, fresh=fresh, ready=True) for name in sorted(names)]
        self.hear(self.pool.replace_backends(listing, self.now))

    @rule(seconds=st.sampled_from([0.0, 0.3, 1.0, 7.0, 31.0, 61.0]))
    def pass_time(self, seconds: float) -> None:
        let_pass(self, seconds)

    @invariant()
    def bounded(self) -> None:
        assert self.pool.budget.uploading == len(self.rooms)
        waiting = [t for t in self.witness.tickets if t.state is TicketState.WAITING]
        for who in "abcd":
            in_line = sum(t.who == who for t in waiting)
            assert in_line <= self.pool.budget.held_by(who).places <= in_line + len(self.rooms)
        assert len(self.pool.sessions) <= 3

    def teardown(self) -> None:
        """Everybody goes home, and everything is given back."""
        for room in self.rooms:
            room.close()
        for ticket in self.witness.tickets:
            self.hear(self.pool.leave(ticket, self.now, Ending.SERVED))
        self.now += 1000
        self.pool.start_succeeded(self.now)
        self.hear(self.pool.expire(self.now))
        budget, line = self.pool.budget, self.pool._line
        assert (line._sessions._of, line._restless._of) == ({}, {}), "nobody is remembered"
        assert not any(budget.held_by(who).places or budget.held_by(who).bytes for who in "abcd")
        assert (budget.bytes_held, budget.uploading, self.pool.demand, self.pool.quarantined) == (0, 0, 0, 0)


TestWalk = Walk.TestCase
TestWalk.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
