"""Asks a backend which model it has loaded, whenever that is not known: when it has become ready, and after a
job that may have changed it unseen. A backend at work is left alone: what it says then may hold for that job only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gateway.core.records.listed import Listed
    from gateway.probing.probes import LoadedProbe

#: Seconds from an answer to the next question, if the pool does not know the model then.
PERIOD = 1.0


class ModelReports(Protocol):
    """The receiver of the loaded model: the pool's driver."""

    def backend_model(self, identity: str, model: str | None, sent_at: float) -> None:
        """The backend named its model, asked at `sent_at` on the driver's clock. None: it does not say."""


class ModelQuestion:
    """Which model has this backend loaded?"""

    period = PERIOD

    def __init__(self, probe: LoadedProbe, backend: Listed, reports: ModelReports) -> None:
        self._probe = probe
        self._backend = backend
        self._reports = reports

    async def __call__(self, sent_at: float) -> None:
        """Ask once. No answer is no news."""
        said = await self._probe(self._backend.direct_address or self._backend.address)
        if said is not None:
            self._reports.backend_model(self._backend.identity, said.model, sent_at)
