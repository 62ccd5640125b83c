"""Pods that take their time to start, and the autoscaler that asks for them, with the cadence and the rules of
`scaling` and `discovery`. Decides nothing that the core decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.records.listed import BackendState, Listed
from gateway.simulation.pod import Pod

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.scaling.local import LocalEvaluation
    from gateway.simulation.driver import Driver

#: Seconds between two looks at a pod whose slots are quarantined.
PROBE_EVERY = 1.0

#: Seconds after which a pod with a quarantined slot is stopped and replaced.
REPLACE_AFTER = 30.0

#: Seconds until the next attempt after so many starts that died in a row; the last one from there on.
BACK_OFF = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)


class Fleet:
    """One pool's pods. Each start takes the seconds that `start_seconds` says; None: it dies after one. Pods are asked
    whether they are idle if the pool's policy says that they can be."""

    def __init__(
        self, driver: Driver, evaluation: LocalEvaluation, *, limit: int, start_seconds: Callable[[], float | None]
    ) -> None:
        self.pods: dict[str, Pod] = {}
        self.are_fresh = True  # whoever lists a pod knows that it has done nothing yet
        self.wishes: list[tuple[float, int]] = []  # what the autoscaler wanted, and when
        self.ended: list[Pod] = []
        self._driver = driver
        self._loop = driver.loop
        self._evaluation = evaluation
        self._limit = limit
        self._start_seconds = start_seconds
        self._started = 0
        self._failures = 0  # in a row
        self._retry_at = 0.0
        driver.on_wait = self._poke
        self._loop.at(0.0, self._look)
        if driver.pool.policy.can_ask:
            self._loop.after(PROBE_EVERY, self._probe)

    @property
    def double_runs(self) -> int:
        """How often a pod was given more than its limit: promise G1 says never."""
        return sum(pod.double_runs for pod in (*self.pods.values(), *self.ended))

    def kill(self, identity: str) -> None:
        """The pod has ended, by itself or because it was stopped: its work is lost, and the gateway hears of it."""
        pod = self.pods.pop(identity)
        self.ended.append(pod)
        pod.die()
        self._driver.set_state(identity, BackendState.GONE)
        self._list()

    # The autoscaler

    def _poke(self) -> None:
        if self._evaluation.joined():
            self._loop.at(self._evaluation.next_at, self._look)

    def _look(self) -> None:
        now, pool = self._loop.now, self._driver.pool
        if not self._evaluation.due(now):
            return  # a poke came before, and its evaluation has asked for the next
        scale = self._evaluation.evaluate(
            now, ready=pool.ready_count, waiting=pool.wanted, pods=len(self.pods), ejected=pool.ejected_count
        )
        self._loop.at(self._evaluation.next_at, self._look)
        self.wishes.append((now, scale.desired))
        self._apply(scale.desired)

    def _apply(self, desired: int) -> None:
        now, pool = self._loop.now, self._driver.pool
        for identity in {*pool.overdue_quarantines(REPLACE_AFTER, now), *pool.hopeless()}:
            self.kill(identity)
        surplus = len(self.pods) - desired
        for _ in range(-surplus):
            self._start()
        starting = pool.starting()[::-1][: max(0, surplus)]
        if not pool.wanted:
            for identity in starting:
                self.kill(identity)
        for _ in range(surplus - len(starting)):
            if idle := self._driver.take_for_removal():
                self.kill(idle)

    # The pods

    def _start(self) -> None:
        if self._loop.now < self._retry_at:
            return
        self._started += 1
        pod = Pod(f"pod-{self._started}", self._limit, self._loop)
        self.pods[pod.identity] = pod
        self._list()
        seconds = self._start_seconds()
        if seconds is None:
            self._loop.after(1.0, lambda: self._died_starting(pod))
        else:
            self._loop.after(seconds, lambda: self._came_up(pod))

    def _came_up(self, pod: Pod) -> None:
        if pod.is_alive:
            pod.is_ready, self._failures = True, 0
            self._driver.start_succeeded()
            self._driver.set_state(pod.identity, BackendState.READY)

    def _died_starting(self, pod: Pod) -> None:
        if pod.is_alive:
            self.kill(pod.identity)
            retry_in = BACK_OFF[min(self._failures, len(BACK_OFF) - 1)]
            self._failures += 1
            self._retry_at = self._loop.now + retry_in
            self._driver.start_failed("exit code 1", retry_in)

    def _list(self) -> None:
        pods = self.pods
        self._driver.replace_backends(Listed(name, f"{name}:7860", name, fresh=self.are_fresh) for name in pods)

    def _probe(self) -> None:
        self._loop.after(PROBE_EVERY, self._probe)
        for pod in list(self.pods.values()):
            if self._driver.pool.backends[pod.identity].quarantines and not pod.is_frozen:
                if pod.at_work:
                    self._driver.backend_busy(pod.identity)
                else:
                    self._driver.backend_idle(pod.identity, self._loop.now)
