"""Turns single probes into "ready" and "not ready", as Kubernetes does. Reports; decides nothing.

A failed probe of a busy backend changes nothing, for being busy is a good reason not to answer; only a refused
connection counts. And a busy backend is asked only what is light.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from gateway.probing.probes import Finding, ProbeResult

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
    settle: float = 0.0  # seconds that the port must have been open before the first HTTP request


class Settling:
    """The time after a port has opened in which nothing but a connection is made to it: there are servers that a
    request in the middle of their start ends."""

    def __init__(self, port: Probe, seconds: float) -> None:
        self.is_over = False
        self._port = port
        self._seconds = seconds
        self._open_since: float | None = None

    async def found(self, address: str) -> ProbeResult:
        """PASS: it is over. Else what a connection found; FAIL, without evidence, while the port has not settled."""
        result = await self._port(address)
        if result.finding is not Finding.PASS:
            self._open_since = None
            return result
        now = anyio.current_time()
        self._open_since = now if self._open_since is None else self._open_since
        self.is_over = now - self._open_since >= self._seconds
        if self.is_over:
            return ProbeResult(Finding.PASS)
        return ProbeResult(Finding.FAIL)

    def begin_anew(self) -> None:
        """The port was closed: what listens next is another start."""
        self.is_over, self._open_since = False, None


class ReadinessWatch:
    """Probes one backend and reports its readiness: once it is known, and at each change."""

    def __init__(
        self,
        probe: Probe,
        cadence: Cadence,
        is_busy: Callable[[], bool],
        report: Callable[[bool], None],
        port: Probe | None = None,
        explain: Callable[[str], None] = lambda _evidence: None,
    ) -> None:
        """`port`: a probe that only connects; with it, `probe` is asked when the port has settled. `explain`: called
        with the evidence of each failed probe from the `failure_threshold`-th in a row on, and with "" when one
        passes."""
        self._probe = probe
        self._cadence = cadence
        self._is_busy = is_busy
        self._report = report
        self._explain = explain
        self._ready: bool | None = None  # what was reported
        self._passed: bool | None = None  # what the last probe found, and how many times in a row
        self._in_row = 0
        self._has_passed = False
        self._settling = Settling(port, cadence.settle) if port is not None and cadence.settle > 0 else None

    @property
    def has_settled(self) -> bool:
        """The backend may be sent HTTP requests."""
        return self._settling is None or self._settling.is_over

    async def run(self, address: str) -> None:
        """Probe the backend at "host:port" until cancelled."""
        await anyio.sleep(self._cadence.initial_delay)
        while True:
            was_busy = self._is_busy()
            if self._probe.light or not was_busy:
                result = await self._found(address)
                if result.finding is not Finding.FAIL or not (was_busy or self._is_busy()):
                    self._note(result)
            await anyio.sleep(self._cadence.period if self._has_passed else self._cadence.first_period)

    async def _found(self, address: str) -> ProbeResult:
        settling = self._settling
        if settling is None:
            return await self._probe(address)
        if not settling.is_over and (result := await settling.found(address)).finding is not Finding.PASS:
            return result
        result = await self._probe(address)
        if result.finding is Finding.REFUSED:
            settling.begin_anew()
        return result

    def _note(self, result: ProbeResult) -> None:
        passed = result.finding is Finding.PASS
        self._in_row = self._in_row + 1 if passed is self._passed else 1
        self._passed = passed
        self._has_passed = self._has_passed or passed
        threshold = self._cadence.success_threshold if passed else self._cadence.failure_threshold
        if passed is not self._ready and self._in_row >= threshold:
            self._ready = passed
            self._report(passed)
        if passed or (result.evidence and self._in_row >= threshold):
            self._explain(result.evidence)
