"""Who visits a world."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.lanes import Lane, WhenBusy
from gateway.simulation.visit import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.simulation.world import World
    from tests.core.invariants import Witness


#: Seconds without a visitor after which nothing runs any more.
LULL = 150.0


class ClosedLoop:
    """So many clients, each with one request at a time, the next one as soon as the last is answered, or was left."""

    def __init__(
        self, world: World, clients: int, work: float, leaves: Callable[[], float | None] = lambda: None
    ) -> None:
        """`leaves`: for each request, seconds after which its client leaves and comes again; None: it stays."""
        self.is_over = False
        self._world = world
        self._work = work
        self._leaves = leaves
        for _ in range(clients):
            self._ask()

    def stop(self) -> None:
        """No new requests; those here are served."""
        self.is_over = True

    def _ask(self) -> None:
        if self.is_over:
            return
        leaves = self._leaves()
        then = (lambda visit: self._ask()) if leaves is None else (lambda visit: None)
        self._world.visit(Ticket(Lane.COUNTED), Plan(self._work, leaves_after=leaves), then)
        if leaves is not None:
            self._world.loop.after(leaves, self._ask)


class Rabble:
    """Visitors of all kinds, at random times, with everything going wrong now and then, and pods that die or stand
    still."""

    def __init__(
        self, world: World, witness: Witness, *, every: float, crash_every: float, freeze_every: float | None = None
    ) -> None:
        """Seconds between two visitors, between two pods that die, and between two that stand still, on average."""
        self.is_over = False
        self._world = world
        self._witness = witness
        self._every = every
        self._crash_every = crash_every
        self._freeze_every = freeze_every
        self._come()
        self._crash()
        if freeze_every is not None:
            self._freeze(freeze_every)

    def stop(self) -> None:
        """Nobody comes any more; those here are served, or not."""
        self.is_over = True

    def _come(self) -> None:
        if not self.is_over:
            dice = self._world.dice
            lull = dice.random() < 0.005  # long enough for the pods to go
            self._world.loop.after(LULL if lull else dice.expovariate(1 / self._every), self._come)
            ticket = self._ticket()
            self._witness.met(ticket)
            self._world.visit(ticket, self._plan())

    def _crash(self) -> None:
        self._world.loop.after(self._world.dice.expovariate(1 / self._crash_every), self._crash)
        if pods := list(self._world.fleet.pods):
            self._world.fleet.kill(self._world.dice.choice(pods))

    def _freeze(self, every: float) -> None:
        """Often for longer than anybody waits for an answer."""
        dice = self._world.dice
        self._world.loop.after(dice.expovariate(1 / every), lambda: self._freeze(every))
        if pods := list(self._world.fleet.pods.values()):
            dice.choice(pods).freeze(dice.uniform(1.0, 40.0))

    def _ticket(self) -> Ticket:
        dice = self._world.dice
        lane = dice.choices([Lane.COUNTED, Lane.EXEMPT, Lane.PASSIVE], [8, 1, 1])[0]
        session = dice.choice([None, f"s{dice.randrange(30)}"])
        known = self._world.pool.sessions.get(session) if session else None
        home = known.home if known is not None else dice.choice([None, "pod-1", "pod-2"])
        patience = dice.choice([float("inf")] * 4 + [20.0])
        return Ticket(lane, session, home, home is not None, dice.choice(list(WhenBusy)), patience)

    def _plan(self) -> Plan:
        dice = self._world.dice
        return Plan(
            work=dice.uniform(0.1, 8.0),
            leaves_after=dice.choice([None, None, dice.uniform(0.0, 15.0)]),
            hangs_up=dice.random() < 0.5,
            repeatable=dice.random() < 0.3,
            # Never less than the work: where it runs out, G1 holds all the same.
            quarantine=dice.choice([9.0, 60.0]) if self._freeze_every is None else 600.0,
            answer_within=None if self._freeze_every is None else 20.0,
            refusal=0.05,
            break_off=0.1,
        )
