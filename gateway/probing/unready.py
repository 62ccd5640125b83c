"""Why one backend is not ready: passed on to the pool, and said once in a warning, again when it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.records.listed import Listed


class UnreadyReports(Protocol):
    """The receiver of the reasons."""

    def backend_unready(self, identity: str, evidence: str) -> None:
        """What its last failed probe found; "": the last one passed."""


class UnreadyReport:
    """Told of the evidence of each failed probe, and of "" when one passes. Within `grace` seconds of its first failure
    a backend that was never ready is silent: it is starting. So is one that `is_leaving`: it ends in good order."""

    def __init__(
        self,
        backend: Listed,
        reports: UnreadyReports,
        grace: float,
        clock: Callable[[], float],
        is_leaving: Callable[[], bool],
    ) -> None:
        self._backend = backend
        self._reports = reports
        self._grace = grace
        self._clock = clock
        self._is_leaving = is_leaving
        self._failing_since: float | None = None
        self._was_ready = False
        self._said = ""

    def __call__(self, evidence: str) -> None:
        """A probe has failed with this evidence; "": it has passed."""
        if not evidence:
            self._failing_since, self._was_ready = None, True
            self._say("")
            return
        now = self._clock()
        self._failing_since = now if self._failing_since is None else self._failing_since
        if self._was_ready or now - self._failing_since >= self._grace:
            self._say(evidence)

    def _say(self, evidence: str) -> None:
        if evidence == self._said:
            return
        self._said = evidence
        self._reports.backend_unready(self._backend.identity, evidence)
        if evidence and not self._is_leaving():
            structlog.get_logger().warning(
                "backend_not_ready",
                backend=self._backend.name,
                evidence=evidence,
                means="it gets no requests until its probe passes",
                do="see its own log",
            )
