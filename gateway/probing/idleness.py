"""Asks a backend that has quarantined slots whether it still works. Reports the answers; the pool decides whether one
frees a slot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import structlog

from gateway.probing.probes import Idleness

if TYPE_CHECKING:
    from gateway.core.records.listed import Listed
    from gateway.probing.probes import IdlenessProbe

#: Seconds between two questions. The pool wants two answers that are a second apart; the little more is for timers
#: that are a millisecond early, which would cost a whole round.
PERIOD = 1.01


class IdleReports(Protocol):
    """The receiver of idle probes' answers: the pool's driver."""

    def backend_idle(self, identity: str, sent_at: float) -> None:
        """The backend said that it is idle, asked at `sent_at` on the driver's clock."""

    def backend_busy(self, identity: str) -> None:
        """The backend said that it works."""

    def backend_cannot_be_asked(self, identity: str) -> None:
        """The backend does not know the question, or does not let us ask."""


class IdlenessQuestion:
    """Does this backend still work?"""

    period = PERIOD

    def __init__(self, probe: IdlenessProbe, backend: Listed, reports: IdleReports) -> None:
        self._probe = probe
        self._backend = backend
        self._reports = reports
        self._evidence = ""  # why it cannot be asked, as it was said last

    async def __call__(self, sent_at: float) -> None:
        """Ask once. No answer is no news."""
        answer = await self._probe(self._backend.direct_address or self._backend.address)
        identity = self._backend.identity
        match answer.found:
            case Idleness.IDLE:
                self._reports.backend_idle(identity, sent_at)
            case Idleness.BUSY:
                self._reports.backend_busy(identity)
            case Idleness.CANNOT_BE_ASKED:
                self._say_why(answer.evidence)
                self._reports.backend_cannot_be_asked(identity)
            case Idleness.SILENT:
                pass

    def _say_why(self, evidence: str) -> None:
        if evidence == self._evidence:
            return
        self._evidence = evidence
        structlog.get_logger().warning(
            "backend_cannot_be_asked",
            backend=self._backend.name,
            evidence=evidence,
            means="this pod does not say whether it works: a slot that breaks is kept for quarantine.max",
            do="give probes what the pod asks for (probe.headers), or start it with what it lacks (A1111: --api)",
        )
