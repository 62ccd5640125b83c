"""A service whose requests need models, in virtual time: a made-up trace before a real pool, with pods that take time
to load. `python -m tests.simulation.model_service` prints what models are worth; `test_model_service.py` holds it.

The trace is made up, after what was counted in a real one (Alibaba's GenTD26: a Stable Diffusion service, 26,823
requests in 23 days): 0.81 requests a minute on average, in rushes with nothing between them; visits of 4.5 requests
on average and 2 in the median, a median of 40 s apart; 87 models, of which the first five have 31, 15, 9, 8 and 8 %
of the requests; 28 % of a visitor's requests change the model; work of 23 s in the median and 70 s at the 95th
percentile. How rushes follow one another, and who comes back, is not known and was chosen. A load takes 30 s, as in
the replay of that trace.
"""

from __future__ import annotations

import itertools
import math
import random
import sys
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from gateway.core.policy import Policy
from gateway.core.pool import Pool
from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane, ModelNeed, WhenBusy
from gateway.core.records.listed import Listed
from gateway.simulation.driver import Driver
from gateway.simulation.loop import Loop

if TYPE_CHECKING:
    from gateway.core.records.backends_and_tickets import Backend
    from gateway.core.records.decisions import Decision, Refusal

LOAD = 30.0
MODELS = [f"m{number}" for number in range(87)]
_WEIGHTS = [31, 15, 9, 8, 8, *(29 / sum(1 / n for n in range(1, 83)) / n for n in range(1, 83))]


@dataclass(frozen=True, slots=True)
class Wish:
    """One request: when it comes, whose it is, which model it needs, and how long the work is without loading."""

    at: float
    visitor: str
    model: str
    work: float


@cache
def trace(seed: int, requests: int) -> tuple[Wish, ...]:
    """In order. The rate is what the real one had while somebody was there, 40 % of the time."""
    dice = random.Random(seed)
    wishes: list[Wish] = []
    now = 0.0
    while len(wishes) < requests:
        now += dice.expovariate(1 / 3600)
        rush_ends = now + dice.expovariate(1 / 2400)
        between_visits = 133 / dice.lognormvariate(-0.5, 1.0)
        while now < rush_ends:
            wishes += _visit(dice, now, f"v{len(wishes)}")
            now += dice.expovariate(1 / between_visits)
    return tuple(sorted(wishes, key=lambda wish: wish.at)[:requests])


def _visit(dice: random.Random, at: float, visitor: str) -> list[Wish]:
    wishes: list[Wish] = []
    (model,) = dice.choices(MODELS, _WEIGHTS)
    for _ in range(max(1, round(dice.lognormvariate(math.log(2), 1.27)))):
        wishes.append(Wish(at, visitor, model, dice.lognormvariate(math.log(23), 0.68)))
        at += min(1800.0, dice.lognormvariate(math.log(40), 1.5))
        if dice.random() < 0.28:
            (model,) = dice.choices(MODELS, _WEIGHTS)
    return wishes


class Service:
    """So many pods, which load whatever their request needs and they have not, and what became of a trace."""

    def __init__(self, wishes: tuple[Wish, ...], pods: int, switch_cost: float, *, cookies: bool) -> None:
        self.waits: list[float] = []
        self.delays: list[float] = []  # until the work itself begins: waiting and loading
        self.loads = 0
        self.busy = 0.0  # seconds of all pods
        self.overtaken: dict[Ticket, float] = {}  # since when, of those in line
        self.longest_overtaken = 0.0
        self.has_cookies = cookies
        self.has: dict[str, str] = {}  # pods, as they really are
        self.loop = Loop()
        policy = Policy(model_switch_cost=switch_cost, line_limit=100_000, queue_timeout=math.inf)
        self.driver = Driver(Pool("service", policy, 0.0), self.loop)
        self.driver.saw = self._saw
        self.driver.replace_backends(
            Listed(name, f"{name}:1", name, ready=True) for name in (f"gpu-{number}" for number in range(pods))
        )
        self.homes: dict[str, str] = {}
        for wish in wishes:
            self.loop.at(wish.at, partial(_Request(wish, self).arrive))
        self.loop.run(wishes[-1].at + 1e6)

    @property
    def switches(self) -> float:
        """Loads, per request."""
        return self.loads / len(self.waits)

    def _saw(self, decisions: list[Decision], now: float) -> None:
        """Without cookies all have the same rights: who is granted goes ahead of those who are older."""
        granted = [d.ticket.number for d in decisions if d.ticket.turns]  # type: ignore[union-attr]
        if not granted or self.has_cookies:
            return
        for ticket in self.driver.pool.first_waiting(100):
            if ticket.number < max(granted):
                since = self.overtaken.setdefault(ticket, now)
                self.longest_overtaken = max(self.longest_overtaken, now - since)


@dataclass(eq=False)
class _Request:
    wish: Wish
    service: Service

    def arrive(self) -> None:
        service, wish = self.service, self.wish
        home = service.homes.get(wish.visitor)
        session = wish.visitor if service.has_cookies else None
        self.ticket = Ticket(
            Lane.COUNTED,
            session,
            home if session else None,
            home is not None and session is not None,
            WhenBusy.SPILL,  # as A1111's API
            need=ModelNeed(wish.model),
        )
        service.driver.arrive(self.ticket, self)

    def turn(self, backend: Backend) -> None:
        service, wish = self.service, self.wish
        loads = service.has.get(backend.identity) != wish.model
        service.waits.append(service.loop.now - wish.at)
        service.delays.append(service.waits[-1] + LOAD * loads)
        service.has[backend.identity] = wish.model
        service.loads += loads
        service.homes[wish.visitor] = self.ticket.home or backend.identity
        seconds = wish.work + LOAD * loads
        service.busy += seconds
        service.loop.after(seconds, lambda: service.driver.leave(self.ticket, Ending.SERVED))

    def refused(self, refusal: Refusal) -> None:
        raise AssertionError(refusal)


def percentile(seconds: list[float], percent: float) -> float:
    """The least that so many percent do not exceed."""
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * percent / 100))]


def main() -> None:
    """A table."""
    wishes = trace(seed=1, requests=10_000)
    say = sys.stdout.write
    say(f"{len(wishes)} requests in {wishes[-1].at / 86400:.1f} days, made up; a load takes {LOAD:g} s\n")
    say("pods  sessions   cost   loads    wait p50/p95/p99/longest   until work begins   GPU-h  overtaken for\n")
    for pods, cookies in itertools.product((8, 6), (False, True)):
        for cost in (0.0, 0.1, 5.0, 10.0, 20.0, 30.0):
            it = Service(wishes, pods, cost, cookies=cookies)
            waits, delays = (
                "/".join(f"{percentile(them, percent):.0f}" for percent in (50, 95, 99, 100))
                for them in (it.waits, it.delays)
            )
            say(f"{pods:4}  {'spill' if cookies else 'none':8} {cost:4.3g} s  {it.switches:6.1%}  {waits:>24} s")
            say(f"  {delays:>16} s  {it.busy / 3600:6.0f}  {it.longest_overtaken:11.1f} s\n")


if __name__ == "__main__":
    main()
