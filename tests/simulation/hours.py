"""An hour in which everything goes wrong now and then, and ten minutes in which it must come right again."""

from __future__ import annotations

import random

from gateway.core.policy import Policy
from gateway.core.scaling.local import Autoscaling
from gateway.simulation.world import World
from tests.core.invariants import Witness
from tests.simulation.clients import Rabble

_HOUR = 3600.0
_CALM = 600.0


def an_hour(seed: int, *, can_ask: bool, freeze_every: float | None = None) -> World:
    """The world afterwards. Raises AssertionError at the first step that breaks an invariant."""
    dice = random.Random(seed)
    policy = Policy(cold_timeout=120, queue_timeout=60, line_limit=40, session_ttl=90, move_after=5, can_ask=can_ask)
    world = World(policy, Autoscaling(max_scale=5), dice, start_seconds=lambda: dice.choice([None, 2.0, 5.0]))
    witness = Witness(world.pool)
    world.driver.saw = witness.saw
    rabble = Rabble(world, witness, every=1.0, crash_every=60.0, freeze_every=freeze_every)
    world.loop.run(_HOUR)
    rabble.stop()
    world.loop.run(_HOUR + _CALM)
    return world


def figures(world: World) -> tuple[int, int, int, int]:
    """Double runs, outcomes missing, sent twice, slots leaked."""
    return world.fleet.double_runs, world.outcomes_missing, world.sent_twice, world.slots_held
