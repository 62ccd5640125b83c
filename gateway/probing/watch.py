"""All probing of one backend while it is listed: one call of `BackendWatch` looks after one backend.

Discovery calls it for each backend it lists and cancels it when the backend leaves; it knows no probes itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

import anyio

from gateway.probing.idleness import IdlenessQuestion, IdleReports
from gateway.probing.loaded import ModelQuestion, ModelReports
from gateway.probing.questions import WakeUps, ask_while_needed
from gateway.probing.readiness import ReadinessWatch
from gateway.probing.unready import UnreadyReport, UnreadyReports

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.records.listed import Listed
    from gateway.probing.probes import IdlenessProbe, LoadedProbe, Probe
    from gateway.probing.readiness import Cadence


class Reports(IdleReports, ModelReports, UnreadyReports, Protocol):
    """The receiver of all answers: the pool's driver."""


@dataclass(frozen=True, slots=True)
class ProbeOfEach:
    """Makes the probe of one backend, where it remembers something of that backend."""

    make: Callable[[Listed], Probe]

    def __call__(self, backend: Listed) -> Probe:
        """A new one."""
        return self.make(backend)


@dataclass(frozen=True, slots=True)
class BackendWatch:
    """The probing of one pool's backends. The callables take a backend's identity, or nothing."""

    probe: Probe | ProbeOfEach
    cadence: Cadence
    idle_probe: IdlenessProbe | None  # None: this kind of backend does not say whether it works
    loaded_probe: LoadedProbe | None  # None: this kind does not say which model it has loaded
    is_busy: Callable[[str], bool]
    is_quarantined: Callable[[str], bool]
    is_unsure: Callable[[str], bool]  # it rests, and which model it has loaded is not known
    is_leaving: Callable[[str], bool]  # it drains, or is gone: that it is not ready is no news
    reports: Reports
    clock: Callable[[], float]  # the driver's
    port: Probe | None = None  # sends the backend no request: asked until its port has settled
    quarantines: WakeUps = field(default_factory=WakeUps)  # woken when a slot of a backend is quarantined
    start_grace: float = 0.0  # seconds in which a backend that was never ready is not reported as unready

    async def __call__(self, backend: Listed, report: Callable[[bool], None]) -> None:
        """Look after this one until cancelled; `report` is told whether it is ready."""
        probe = self.probe(backend) if isinstance(self.probe, ProbeOfEach) else self.probe
        is_leaving = partial(self.is_leaving, backend.identity)
        unready = UnreadyReport(backend, self.reports, self.start_grace, self.clock, is_leaving)
        is_busy = partial(self.is_busy, backend.identity)
        readiness = ReadinessWatch(probe, self.cadence, is_busy, report, self.port, unready)

        def settled_and(is_needed: Callable[[str], bool]) -> Callable[[], bool]:
            return lambda: readiness.has_settled and is_needed(backend.identity)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(readiness.run, backend.address)
            if self.idle_probe is not None:
                idleness = IdlenessQuestion(self.idle_probe, backend, self.reports)
                is_needed, rest = settled_and(self.is_quarantined), partial(self.quarantines.rest, backend.identity)
                tasks.start_soon(ask_while_needed, idleness, is_needed, self.clock, rest)
            if self.loaded_probe is not None:
                model = ModelQuestion(self.loaded_probe, backend, self.reports)
                tasks.start_soon(ask_while_needed, model, settled_and(self.is_unsure), self.clock)
