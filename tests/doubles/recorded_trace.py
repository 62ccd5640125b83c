"""A trace to be put through a pool: what its requests do, and what it is told of its backends.

All times are sums of binary fractions, so that they come out to the last bit, and no two things of a trace happen at
one moment: what order equal times have is each driver's own affair.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gateway.core.policy import Policy
from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.lanes import Lane, ModelNeed, WhenBusy
from gateway.core.records.listed import BackendState, Listed

if TYPE_CHECKING:
    import random

_POLICY = Policy(
    line_limit=6,
    queue_timeout=6.0,
    cold_timeout=6.0,
    session_ttl=32.0,
    spill_after=2.0,
    move_after=4.0,
    can_ask=True,
    unknown_for=16.0,
    health_errors=2,
    health_rest=4.0,
)
SECONDS = 128
#: The last steps of lives: most answers are good.
ENDS = ["leave", "leave", "leave, failed", "leave, failed", "leave, at risk"]
PODS = ["gpu-1", "gpu-2", "gpu-3"]


@dataclass(frozen=True)
class Life:
    """One request. Each step ends what the one before has begun: a wait, or work."""

    name: str
    asks: dict[str, Any]
    arrives_at: float
    steps: list[tuple[float, str]]  # ends in "leave"

    def ticket(self) -> Ticket:
        return Ticket(label=self.name, **self.asks)


@dataclass
class Trace:
    """A random afternoon, written down: what requests do, and what is told of backends."""

    dice: random.Random
    policy: Policy = _POLICY
    lives: list[Life] = field(default_factory=list)
    told: list[tuple[float, str, tuple[Any, ...]]] = field(default_factory=list)
    _moments: int = 0

    def __post_init__(self) -> None:
        self.policy = replace(_POLICY, model_switch_cost=self.dice.choice([0.0, 4.0]))
        self.lives = [self._life(f"r{number}") for number in range(100)]
        self.told = [(self._moment(0), "replace_backends", (self._listing(PODS[:2]),))]
        self.told += [self._news(self._moment(self.dice.randrange(SECONDS))) for _ in range(120)]
        self.told.append((self._moment(SECONDS), "stop", ()))

    def _moment(self, second: int) -> float:
        """Somewhere in this second, and further than the event loop's millisecond from whatever else happens in it."""
        self._moments += 1
        assert self._moments < 512
        return second + self._moments / 512

    def _life(self, name: str) -> Life:
        dice, second = self.dice, self.dice.randrange(SECONDS)
        session = dice.choice([None, "a", "b", "c", "d"])
        home = dice.choice([None, *PODS]) if session else None
        patience = dice.choice([math.inf, math.inf, 4.0])
        asks = {
            "lane": dice.choices([Lane.COUNTED, Lane.EXEMPT, Lane.PASSIVE], [6, 1, 1])[0],
            "session": session,
            "home": home,
            "returning": home is not None,
            "when_busy": dice.choice(list(WhenBusy)),
            "patience": patience,
            "need": dice.choice([None, *(ModelNeed(model) for model in (None, "x", "x", "y"))]),
        }
        arrives_at, steps = self._moment(second), []
        if patience == math.inf:  # whose time ran out at work would wait for the event loop's next millisecond
            for what in dice.choice([[], [], ["give back"], ["retry"], ["give back", "give back"]]):
                second += dice.randrange(3)
                steps.append((self._moment(second), what))
        steps.append((self._moment(second + dice.randrange(1, 12)), dice.choice(ENDS)))
        return Life(name, asks, arrives_at, steps)

    def _news(self, at: float) -> tuple[float, str, tuple[Any, ...]]:
        dice, pod = self.dice, self.dice.choice(PODS)
        method, arguments = dice.choice(
            [
                ("replace_backends", (self._listing([p for p in PODS if dice.random() < 0.8]),)),
                ("replace_backends", (self._listing(PODS),)),
                ("set_state", (pod, dice.choice([BackendState.READY] * 4 + list(BackendState)))),
                ("backend_idle", (pod, at)),
                ("backend_idle", (pod, at - 0.5)),
                ("backend_busy", (pod,)),
                ("backend_model", (pod, dice.choice(["x", "y"]), at)),
                ("start_failed", ("exit code 1", 4.0)),
                ("take_for_removal", ()),
                ("watch_start", ()),
            ]
        )
        return at, method, arguments

    def _listing(self, names: list[str]) -> list[Listed]:
        return [Listed(name, f"{name}:7860", name, ready=True, fresh=self.dice.random() < 0.7) for name in names]
