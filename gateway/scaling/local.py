"""The loop of the autoscaler of our own pods: evaluates when it is due and tells the target.

Thinks nothing itself (`gateway.core.scaling.local` does) and touches no pod (the target does). It goes on while the
gateway is stopping, because those in line are still served; cancelling `run` ends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.core.scaling.local import Autoscaling, LocalEvaluation, Scale
    from gateway.scaling.target import Target


class LocalScaler:
    """One pool's scaler."""

    def __init__(
        self,
        pool: str,
        evaluation: LocalEvaluation,
        target: Target,
        *,
        clock: Callable[[], float],
        waiting: Callable[[], int],
        ready: Callable[[], int],
        ejected: Callable[[], int] = lambda: 0,
    ) -> None:
        """`clock` is the one that the evaluation's demand is told by, in seconds. `waiting`: requests that need at
        least one pod; `ready`: pods that serve; `ejected`: pods that would, but fail."""
        self._evaluation = evaluation
        self._target = target
        self._clock = clock
        self._waiting = waiting
        self._ready = ready
        self._ejected = ejected
        self._poked = anyio.Event()
        self._last: Scale | None = None
        self._log = structlog.get_logger().bind(pool=pool)

    def poke(self) -> None:
        """A request has joined the line, and the pool has counted it. Cheap: call it for each."""
        if self._evaluation.joined():
            self._poked.set()

    def reapply(self) -> None:
        """A pod has died: what was wanted last is wanted still, and need not wait for the next evaluation."""
        if self._last is not None:
            self._target.apply(self._last.desired)

    def reconfigure(self, settings: Autoscaling, limit: int, ceilings: Mapping[str, int]) -> None:
        """Other settings from the next evaluation on."""
        self._evaluation.reconfigure(settings, limit, ceilings)

    def view(self) -> Scale | None:
        """The last evaluation: what is desired, and why. None before the first."""
        return self._last

    async def run(self) -> None:
        """Scale until cancelled."""
        while True:
            now = self._clock()
            if self._evaluation.due(now):
                self._evaluate(now)
            self._poked = anyio.Event()
            with anyio.move_on_after(self._evaluation.next_at - now):
                await self._poked.wait()

    def _evaluate(self, now: float) -> None:
        was, pods = self._evaluation.desired, self._target.pods
        scale = self._evaluation.evaluate(
            now, ready=self._ready(), waiting=self._waiting(), pods=pods, ejected=self._ejected()
        )
        if scale.desired != was:
            self._log_change(was, pods, scale)
        self._last = scale
        self._target.apply(scale.desired)

    def _log_change(self, was: int, pods: int, scale: Scale) -> None:
        self._log.info(
            "scale_changed",
            desired=scale.desired,
            was=was,
            pods=pods,
            stable=scale.decision.stable,
            panic=scale.decision.panic,
            in_panic=scale.decision.in_panic,
            bound=scale.bound.name if scale.bound else None,
        )
