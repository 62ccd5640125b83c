"""The autoscaler of pods of our own: the decider, fed with exact demand, and the bounds on what it wants.

Pure: the real scaler and the simulation both drive it. Unlike Knative's remote reporter it files the demand of each
whole second under that second, and the running one provisionally. It evaluates every 2 s; when requests join the line
and too few pods are desired, every 100 ms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.core.scaling.decider import Decider, DeciderSpec, ScaleDecision
from gateway.core.scaling.windows import NEVER, PRECISION, Aggregation, BucketedAverage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.core.scaling.concurrency import TimeWeighted

#: Seconds between evaluations, as Knative's; and while too few pods are desired for the requests that joined.
EVALUATE_EVERY = 2.0
HURRY_EVERY = 0.1
#: What a pod without a limit is given (Knative's container-concurrency-target-default), and the least target.
UNLIMITED_TARGET = 100.0
LEAST_TARGET = 0.01


@dataclass(frozen=True, slots=True)
class Autoscaling:
    """What is configured: Knative's annotations in snake_case, in its units. Seconds, pods, percent."""

    min_scale: int = 0
    max_scale: int = 10  # 0: no maximum
    initial_scale: int = 0  # pods to begin with, kept until they were ready and one window has passed
    activation_scale: int = 0
    target: float | None = None  # requests a pod; None: what it may work on at once
    target_utilization_percentage: float = 100.0
    target_burst_capacity: float = 211.0
    window: int = 60
    panic_window_percentage: float = 10.0
    panic_threshold_percentage: float = 200.0
    max_scale_up_rate: float = 1000.0
    max_scale_down_rate: float = 2.0
    scale_down_delay: float = 0.0
    scale_to_zero_pod_retention_period: float = 0.0  # how long the last pod outlives the last wish for one
    metric_aggregation_algorithm: Aggregation = "linear"

    @property
    def panic_window(self) -> int:
        """Whole seconds, at least one."""
        return max(1, math.floor(self.window * self.panic_window_percentage / 100 + 0.5))

    def decider_spec(self, limit: int) -> DeciderSpec:
        """The knobs for pods that may work on `limit` requests at once (0: no limit)."""
        total = float(limit) or UNLIMITED_TARGET
        if self.target is not None:
            total = min(self.target, limit) if limit else self.target
        return DeciderSpec(
            target=max(LEAST_TARGET, total * self.target_utilization_percentage / 100),
            total=total,
            target_burst_capacity=self.target_burst_capacity,
            panic_threshold=self.panic_threshold_percentage / 100,
            stable_window=self.window,
            max_scale_up_rate=self.max_scale_up_rate,
            max_scale_down_rate=self.max_scale_down_rate,
            scale_down_delay=self.scale_down_delay,
            activation_scale=self.activation_scale,
        )


@dataclass(frozen=True, slots=True, order=True)
class Bound:
    """A number of pods, and what asks for no fewer or allows no more."""

    pods: int
    name: str


@dataclass(frozen=True, slots=True)
class Scale:
    """One evaluation: how many pods should exist, and why."""

    desired: int
    bound: Bound | None  # what changed the autoscaler's wish; None: nothing did
    ceiling: Bound | None  # the least of the upper bounds, in force or not; None: there is none
    decision: ScaleDecision  # the autoscaler's, before bounds


class LocalEvaluation:
    """One pool's autoscaler: its windows, its decider, its bounds, and when it is due."""

    def __init__(self, demand: TimeWeighted, settings: Autoscaling, limit: int, ceilings: Mapping[str, int]) -> None:
        """`demand` is told by the pool and read here alone. `ceilings`: upper bounds other than max_scale, by name."""
        self.desired = 0
        self._demand = demand
        self._stable = BucketedAverage(settings.window, settings.metric_aggregation_algorithm)
        self._panic = BucketedAverage(settings.panic_window, settings.metric_aggregation_algorithm)
        self._decider = Decider(settings.decider_spec(limit))
        self._filed = (NEVER, 0.0)  # the newest second in the windows, and what was filed of it
        self._evaluated_at = -math.inf
        self._is_hurried = False
        self._begins_until = math.inf  # initial_scale counts until here
        self._last_pod_until = -math.inf
        self._bind(settings, ceilings)

    def reconfigure(self, settings: Autoscaling, limit: int, ceilings: Mapping[str, int]) -> None:
        """Other settings from the next evaluation on; what was seen is kept."""
        self._decider.reconfigure(settings.decider_spec(limit))
        self._stable.resize(settings.window, settings.metric_aggregation_algorithm)
        self._panic.resize(settings.panic_window, settings.metric_aggregation_algorithm)
        self._bind(settings, ceilings)

    @property
    def next_at(self) -> float:
        """When the next evaluation is due; -inf before the first."""
        return self._evaluated_at + (HURRY_EVERY if self._is_hurried else EVALUATE_EVERY)

    def due(self, now: float) -> bool:
        """Whether it is time to evaluate."""
        return now >= self.next_at

    def joined(self) -> bool:
        """A request has joined the line and `demand` knows it. True: `next_at` is sooner now."""
        if self._is_hurried or not self._is_short():
            return False
        self._is_hurried = True
        return True

    def evaluate(self, now: float, *, ready: int, waiting: int, pods: int, ejected: int = 0) -> Scale:
        """Say how many pods should exist. `ready` ones serve; `pods` are all that start or serve; `waiting` requests
        need at least one. `ejected` ones exist and serve nobody: as many more are wanted, where any are."""
        if pods == 0 and (self._demand.level == 0 or self.desired == 0):
            self._forget(now)
        self._file_demand(now)
        stable, panic = round(self._stable.average(now), PRECISION), round(self._panic.average(now), PRECISION)
        decision = self._decider.decide(now, ready, stable, panic)
        self._look_back(now, ready, is_wanted=decision.desired > 0 or waiting > 0)
        wish = decision.desired + ejected if decision.desired else 0
        self.desired, bound = self._bounded(now, wish, waiting)
        self._evaluated_at = now
        self._is_hurried = self._is_hurried and self._is_short()
        return Scale(self.desired, bound, self._ceiling, decision)

    def _bind(self, settings: Autoscaling, ceilings: Mapping[str, int]) -> None:
        self._settings = settings
        upper = [Bound(pods, name) for name, pods in ceilings.items()]
        if settings.max_scale:
            upper.append(Bound(settings.max_scale, "autoscaling.max_scale"))
        self._ceiling = min(upper, default=None)

    def _capped(self, pods: int) -> int:
        return pods if self._ceiling is None else min(pods, self._ceiling.pods)

    def _is_short(self) -> bool:
        """Fewer pods are desired than the requests here need, and more are allowed."""
        return self.desired < self._capped(math.ceil(self._demand.level / self._decider.spec.target))

    def _forget(self, now: float) -> None:
        """Nothing runs: an idle past must not blunt the next start, nor a vain start prolong itself."""
        self._demand.forget(now)
        self._stable.clear()
        self._panic.clear()
        self._decider.forget()
        self._filed = (NEVER, 0.0)
        self._last_pod_until = -math.inf

    def _file_demand(self, now: float) -> None:
        """Whole seconds as they were; the running one as far as it is known."""
        for second, average in (*self._demand.seconds(now), self._demand.running(now)):
            self._file(second, average)

    def _file(self, second: int, average: float) -> None:
        """Buckets add: what was filed of this second before is taken off, so that nothing counts twice."""
        newest, filed = self._filed
        more = average - filed if second == newest else average
        self._stable.record(second, more)
        self._panic.record(second, more)
        self._filed = (second, average)

    def _look_back(self, now: float, ready: int, *, is_wanted: bool) -> None:
        """Remember when the first pods were ready, and when a pod was last wanted."""
        if self._begins_until == math.inf and ready >= self._capped(self._settings.initial_scale):
            self._begins_until = now + self._settings.window
        if is_wanted:
            self._last_pod_until = now + self._settings.scale_to_zero_pod_retention_period

    def _bounded(self, now: float, wish: int, waiting: int) -> tuple[int, Bound | None]:
        """The wish within its bounds, and the bound that changed it. A ceiling goes before a floor."""
        settings = self._settings
        floor = max(
            Bound(min(1, waiting), "waiting"),
            Bound(settings.min_scale, "autoscaling.min_scale"),
            Bound(settings.initial_scale if now < self._begins_until else 0, "autoscaling.initial_scale"),
            Bound(int(now < self._last_pod_until), "autoscaling.scale_to_zero_pod_retention_period"),
        )
        raised = max(wish, floor.pods)
        desired = self._capped(raised)
        if desired < raised:
            return desired, self._ceiling
        return desired, floor if raised > wish else None
