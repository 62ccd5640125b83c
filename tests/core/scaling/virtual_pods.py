"""Pods in virtual time, one request each, and clients in a closed loop: what a local evaluation scales in the tests."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from gateway.core.scaling.concurrency import TimeWeighted
from gateway.core.scaling.local import Autoscaling, LocalEvaluation

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds from a start to ready, and of work a request.
START, WORK = 3.0, 10.0


class VirtualPods:
    """Starts and stops what the evaluation asks for; keeps every wish with its time."""

    def __init__(self, settings: Autoscaling | None = None) -> None:
        self.now = 0.0
        self.clients = 0
        self.waiting = self.working = self.ready = self.starting = 0
        self.wishes: list[tuple[float, int]] = []
        self._load = TimeWeighted()
        self._evaluation = LocalEvaluation(self._load, settings or Autoscaling(), 1, {})
        self._happenings: list[tuple[float, int, Callable[[], None]]] = []
        self._happened = 0

    def start_clients(self, count: int, at: float, apart: float = 0.0) -> None:
        """From `at` on so many clients, the first requests `apart` seconds from one another."""
        self.clients = count
        for client in range(count):
            self._at(at + client * apart, self._arrive)

    def stop_clients(self) -> None:
        """No new requests; those here are served."""
        self.clients = 0

    def run(self, until: float) -> None:
        """Let it happen, everything due by `until`."""
        while (at := min(self._next_happening(), max(self.now, self._evaluation.next_at))) <= until:
            self.now = at
            if self._next_happening() <= at:
                heapq.heappop(self._happenings)[2]()
            else:
                self._evaluate()
            self._serve()
        self.now = until

    def wished_since(self, t: float) -> list[int]:
        """The wishes from `t` on."""
        return [wish for at, wish in self.wishes if at >= t]

    def _at(self, t: float, happening: Callable[[], None]) -> None:
        self._happened += 1
        heapq.heappush(self._happenings, (t, self._happened, happening))

    def _next_happening(self) -> float:
        return self._happenings[0][0] if self._happenings else float("inf")

    def _arrive(self) -> None:
        self.waiting += 1
        self._load.set(self.now, self.waiting + self.working)
        self._evaluation.joined()

    def _leave(self) -> None:
        self.working -= 1
        self._load.set(self.now, self.waiting + self.working)
        if self.waiting + self.working < self.clients:
            self._arrive()

    def _come_up(self) -> None:
        self.starting -= 1
        self.ready += 1

    def _serve(self) -> None:
        while self.waiting and self.working < self.ready:
            self.waiting -= 1
            self.working += 1
            self._at(self.now + WORK, self._leave)

    def _evaluate(self) -> None:
        pods = self.ready + self.starting
        scale = self._evaluation.evaluate(self.now, ready=self.ready, waiting=self.waiting, pods=pods)
        self.wishes.append((self.now, scale.desired))
        for _ in range(scale.desired - pods):
            self.starting += 1
            self._at(self.now + START, self._come_up)
        self.ready -= min(self.ready - self.working, max(0, pods - scale.desired))
