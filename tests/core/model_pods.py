"""Pods that take time to switch models, in virtual time: the plain line and the model-aware one on one trace.

The trace is made up after what is known of a real service: bursts; users who come for a few pictures and mostly keep
their model; a few models that everybody uses and many that few do; log-normal times of work.
"""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import dataclass

from gateway.core.models.models import ModelLine, ModelStock

#: Seconds to switch, as the median of loads of base models in the trace that this one is made after.
SWITCH = 30.0


@dataclass(frozen=True, slots=True)
class Wish:
    """One request: when it comes, which model it needs, how long the work is."""

    number: int
    at: float
    model: str
    work: float


def trace(seed: int, requests: int, *, mean_gap: float) -> list[Wish]:
    """`mean_gap`: seconds between two visits, on average; a visit is four or five requests."""
    dice = random.Random(seed)
    models = [f"m{n}" for n in range(40)]
    weights = [1 / (n + 1) ** 1.1 for n in range(40)]
    made: list[tuple[float, str, float]] = []
    visit_at = 0.0
    while len(made) < requests:
        busy_hour = math.sin(visit_at / 1800) > 0
        visit_at += dice.expovariate(1 / mean_gap) * (0.4 if busy_hour else 1.6)
        at, model = visit_at, dice.choices(models, weights)[0]
        for _ in range(1 + int(dice.expovariate(1 / 3.5))):
            made.append((at, model, dice.lognormvariate(math.log(23), 0.6)))
            at += dice.expovariate(1 / 45)
            if dice.random() > 0.72:
                model = dice.choices(models, weights)[0]
    made.sort()
    return [Wish(number, *wish) for number, wish in enumerate(made[:requests], 1)]


@dataclass(slots=True)
class Outcome:
    """What became of a trace."""

    switches: int
    waits: list[float]
    longest_overtaken: float  # seconds from a window's begin that anybody younger was granted before an older one
    order: list[int]

    def wait(self, percent: float) -> float:
        """A percentile of the waits."""
        return sorted(self.waits)[min(len(self.waits) - 1, int(len(self.waits) * percent / 100))]


def served(wishes: list[Wish], pods: int, cost: float, *, aware: bool = True) -> Outcome:
    """Work off the trace, as a pool would: a match after each fact. Not `aware`: the longest idle pod serves."""
    stock: ModelStock[int] = ModelStock()
    line: ModelLine[Wish] = ModelLine(cost, stock.holders)
    outcome = Outcome(0, [], 0.0, [])
    first_passed: dict[int, float] = {}
    waiting: dict[int, Wish] = {}
    ranks = 0
    for pod in range(pods):
        stock.free(pod, ranks := ranks + 1)
    coming, working = list(reversed(wishes)), [(math.inf, -1)]

    def match(now: float, touched: int | None) -> None:
        line.expire(now)
        while touched is not None and stock.choose(None) is not None:
            wish = line.next_for(stock.loaded(touched))
            if wish is None:
                break
            touched = grant(wish, now, touched)
        while stock.choose(None) is not None and (wish := line.next_for(None)) is not None:
            grant(wish, now, None)
        if len(line) and stock.choose(None) is not None:
            line.held_back(now)
            for number in waiting:
                first_passed.setdefault(number, now)

    def grant(wish: Wish, now: float, touched: int | None) -> int | None:
        pod = stock.choose(wish.model if aware else None)
        assert pod is not None
        stock.take(pod)
        line.discard(wish)
        del waiting[wish.number]
        line.passed_over(wish.number, now)
        for number in waiting:
            if number < wish.number:
                began = first_passed.setdefault(number, now)
                outcome.longest_overtaken = max(outcome.longest_overtaken, now - began)
        switches = stock.loaded(pod) != wish.model
        outcome.switches += switches
        outcome.waits.append(now - wish.at)
        outcome.order.append(wish.number)
        before = stock.load(pod, wish.model, now)
        line.reconsider(before)
        line.reconsider(wish.model)
        heapq.heappush(working, (now + wish.work + SWITCH * switches, pod))
        return None if pod == touched else touched

    while coming or len(working) > 1:
        arrival = coming[-1].at if coming else math.inf
        due = line.next_event()
        now = min(arrival, working[0][0], math.inf if due is None else due)
        if now == working[0][0]:
            _, pod = heapq.heappop(working)
            stock.free(pod, ranks := ranks + 1)
            match(now, pod)
        elif now == arrival:
            wish = coming.pop()
            stock.asked(wish.model, now)
            line.put(wish, wish.number, wish.model)
            waiting[wish.number] = wish
            match(now, stock.free_with(wish.model))
        else:
            match(now, None)
    return outcome
