"""Asks a backend which model it has loaded, once whenever that is not known: when it has become ready, and after a
job that may have changed it unseen. A backend at work is left alone: what it says then may hold for that job only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.records.listed import Listed
    from gateway.probing.probes import LoadedProbe

#: Seconds between two looks at whether there is something to ask for.
PERIOD = 1.0


class ModelReports(Protocol):
    """The receiver of the loaded model: the pool's driver."""

    def backend_model(self, identity: str, model: str | None, sent_at: float) -> None:
        """The backend named its model, asked at `sent_at` on the driver's clock. None: it does not say."""


class LoadedWatch:
    """Asks one backend whenever `is_unsure` says that there is something to ask for. `clock` is the driver's."""

    def __init__(
        self,
        probe: LoadedProbe,
        backend: Listed,
        reports: ModelReports,
        is_unsure: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._probe = probe
        self._backend = backend
        self._reports = reports
        self._is_unsure = is_unsure
        self._clock = clock

    async def run(self) -> None:
        """Look every second, until cancelled. No answer is no news: it is asked again."""
        while True:
            if self._is_unsure():
                sent_at = self._clock()
                said = await self._probe(self._backend.direct_address or self._backend.address)
                if said is not None:
                    self._reports.backend_model(self._backend.identity, said.model, sent_at)
            await anyio.sleep(PERIOD)
