"""From single probes to "ready" and "not ready", as Kubernetes does it. Reports; decides nothing.

A failed probe of a busy backend changes nothing, for being busy is a good reason not to answer; only a refused
connection counts. And a busy backend is asked only what is light.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from gateway.probing.probes import Finding

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.probing.probes import Probe


@dataclass(frozen=True, slots=True)
class Cadence:
    """When to probe, in Kubernetes' words; seconds and counts."""

    initial_delay: float = 0.0
    period: float = 1.0
    first_period: float = 0.2  # until the first pass: somebody waits for a backend that comes up
    failure_threshold: int = 3  # failures in a row that make it not ready
    success_threshold: int = 1


class ReadinessWatch:
    """Probes one backend and reports its readiness: once it is known, and at each change."""

    def __init__(
        self, probe: Probe, cadence: Cadence, is_busy: Callable[[], bool], report: Callable[[bool], None]
    ) -> None:
        self._probe = probe
        self._cadence = cadence
        self._is_busy = is_busy
        self._report = report
        self._ready: bool | None = None  # what was reported
        self._passed: bool | None = None  # what the last probe found, and how many times in a row
        self._in_row = 0
        self._has_passed = False

    async def run(self, address: str) -> None:
        """Probe the backend at "host:port" until cancelled."""
        await anyio.sleep(self._cadence.initial_delay)
        while True:
            was_busy = self._is_busy()
            if self._probe.light or not was_busy:
                finding = await self._probe(address)
                if finding is not Finding.FAIL or not (was_busy or self._is_busy()):
                    self._note(finding)
            await anyio.sleep(self._cadence.period if self._has_passed else self._cadence.first_period)

    def _note(self, finding: Finding) -> None:
        passed = finding is Finding.PASS
        self._in_row = self._in_row + 1 if passed is self._passed else 1
        self._passed = passed
        self._has_passed = self._has_passed or passed
        threshold = self._cadence.success_threshold if passed else self._cadence.failure_threshold
        if passed is not self._ready and self._in_row >= threshold:
            self._ready = passed
            self._report(passed)
