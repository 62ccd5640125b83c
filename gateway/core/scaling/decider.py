"""The decider: how many pods are wanted, as Knative's pod autoscaler (KPA) computes it, one evaluation at a time.

Follows pkg/autoscaler/scaling/autoscaler.go of Knative Serving to the digit. It is told the averages and the pods that
are ready, and answers with a wish and its reasons. Bounds (min, max) are not its business.

Two modes: *stable* looks at the long window; *panic* begins when the short one asks for `panic_threshold` times what
is ready, lasts until that was not so for a whole stable window, and never goes down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from gateway.core.scaling.windows import SlidingMaximum


@dataclass(frozen=True, slots=True)
class DeciderSpec:
    """The knobs. Seconds, pods, and requests a pod."""

    target: float  # what a pod should be given on average: total x utilization
    total: float  # what a pod can take
    target_burst_capacity: float = 211.0  # room to spare that lets the gateway step aside; -1: it never does
    panic_threshold: float = 2.0  # a factor
    stable_window: float = 60.0
    max_scale_up_rate: float = 1000.0  # a factor of what is ready, per evaluation
    max_scale_down_rate: float = 2.0
    scale_down_delay: float = 0.0
    activation_scale: int = 0  # at least so many while there is any demand; 0 or 1: no such floor
    reachable: bool = True  # nothing can reach an unreachable revision, so it may go down at once


@dataclass(frozen=True, slots=True)
class ScaleDecision:
    """A wish, and why."""

    valid: bool  # False: there was nothing to judge by; what was decided before still stands
    desired: int = 0
    ebc: int = 0  # excess burst capacity: what could arrive before the gateway is needed
    stable: float = 0.0  # average over the stable window
    panic: float = 0.0  # average over the panic window
    stable_want: int = 0  # pods that each average asks for, before limits
    panic_want: int = 0
    in_panic: bool = False
    least: int = 0  # the rates allow no fewer
    most: int = 0  # and no more
    is_delayed: bool = False  # more than wanted now, because of a wish within the scale-down delay


class Decider:
    """One revision's autoscaler: remembers panic and the wishes within the scale-down delay."""

    def __init__(self, spec: DeciderSpec, ready: int = 0, now: float = 0.0) -> None:
        """An autoscaler that starts with several pods ready cannot know why they are there: it starts in panic, so
        that it keeps them for a stable window."""
        self.spec = spec
        self._panic_since = now if ready > 1 else None
        self._most_in_panic = ready if ready > 1 else 0
        self._wishes = SlidingMaximum(spec.scale_down_delay)

    def reconfigure(self, spec: DeciderSpec) -> None:
        """Other knobs from here on; panic and wishes are kept."""
        self.spec = spec
        self._wishes.delay = spec.scale_down_delay

    def forget(self) -> None:
        """The past is as if it had not been."""
        self._leave_panic()
        self._wishes.clear()

    def decide(self, now: float, ready: int, stable: float | None, panic: float | None) -> ScaleDecision:
        """Evaluate once. `ready`: pods that are; `stable`, `panic`: averages of demand, None if there are no data."""
        if stable is None or panic is None:
            return ScaleDecision(valid=False)
        spec, divisor = self.spec, max(1, ready)
        most = math.ceil(spec.max_scale_up_rate * divisor)
        least = math.floor(divisor / spec.max_scale_down_rate) if spec.reachable else 0
        stable_want, panic_want = math.ceil(stable / spec.target), math.ceil(panic / spec.target)
        wish = self._limited(stable_want, least, most)
        if self._is_panicking(now, panic_want / divisor):
            wish = max(wish, self._limited(panic_want, least, most))
            wish = self._most_in_panic = max(wish, self._most_in_panic)
        desired = self._delayed(now, wish)
        return ScaleDecision(
            valid=True,
            desired=desired,
            ebc=self._excess_burst_capacity(ready, panic),
            stable=stable,
            panic=panic,
            stable_want=stable_want,
            panic_want=panic_want,
            in_panic=self._panic_since is not None,
            least=least,
            most=most,
            is_delayed=desired > wish,
        )

    def _limited(self, want: int, least: int, most: int) -> int:
        limited = min(max(want, least), most)
        if want > 0 and self.spec.activation_scale > 1:
            return max(limited, self.spec.activation_scale)
        return limited

    def _is_panicking(self, now: float, overload: float) -> bool:
        if overload >= self.spec.panic_threshold:
            self._panic_since = now
        elif self._panic_since is not None and self._panic_since + self.spec.stable_window < now:
            self._leave_panic()
        return self._panic_since is not None

    def _leave_panic(self) -> None:
        self._panic_since = None
        self._most_in_panic = 0

    def _delayed(self, now: float, wish: int) -> int:
        if self.spec.reachable and self.spec.scale_down_delay > 0:
            return self._wishes.record(now, wish)
        return wish

    def _excess_burst_capacity(self, ready: int, panic: float) -> int:
        capacity = self.spec.target_burst_capacity
        if capacity <= 0:
            return math.floor(capacity)
        return math.floor(ready * self.spec.total - capacity - panic)
