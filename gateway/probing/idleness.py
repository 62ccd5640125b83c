"""While a backend has quarantined slots, asks it again and again whether it still works. Tells what it heard; whether
that frees a slot is the pool's to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.records.listed import Listed
    from gateway.probing.probes import IdlenessProbe

#: Seconds between two questions. The pool wants two answers that are a second apart; the little more is for timers
#: that are a millisecond early, which would cost a whole round.
PERIOD = 1.01


class IdleReports(Protocol):
    """Who is told: the pool's driver."""

    def backend_idle(self, identity: str, sent_at: float) -> None:
        """It said that it is idle, asked at `sent_at` on the driver's clock."""

    def backend_busy(self, identity: str) -> None:
        """It said that it works."""


class IdlenessWatch:
    """Asks one backend while `is_quarantined` says that there is something to ask for. `clock` is the driver's."""

    def __init__(
        self,
        probe: IdlenessProbe,
        backend: Listed,
        reports: IdleReports,
        is_quarantined: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._probe = probe
        self._backend = backend
        self._reports = reports
        self._is_quarantined = is_quarantined
        self._clock = clock

    async def run(self) -> None:
        """Ask every second while there is a reason to, until cancelled."""
        while True:
            if self._is_quarantined():
                await self._ask()
            await anyio.sleep(PERIOD)

    async def _ask(self) -> None:
        sent_at = self._clock()
        idle = await self._probe(self._backend.direct_address or self._backend.address)
        if idle is None:
            return  # no answer is no news
        if idle:
            self._reports.backend_idle(self._backend.identity, sent_at)
        else:
            self._reports.backend_busy(self._backend.identity)
