"""Backends that are processes of ours: started, looked after and stopped here, as the scaler says.

Owns which processes there are. Decides neither how many there should be nor which one to stop; but a start that died is
not repeated before its back-off ends, and nobody gets the place of one that has not really ended.

    starting ── probe passes ──> ready <──> not ready
       │                            │
       ├── dies, or is late: a failed start     ├── dies: gone
       └── stop() ──> stopping ──> gone  <──────┘
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

import anyio
import structlog

from gateway.core.records.listed import BackendState, Listed
from gateway.discovery.back_off import BackOff
from gateway.processes.launcher import CannotStart
from gateway.processes.process import describe_exit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anyio.abc import TaskGroup

    from gateway.discovery.source import Reports, Watch

#: Seconds before the next start after so many failed ones in a row.
AFTER_FAILED_STARTS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)

#: The same after deaths of processes that had just become ready. The first one is replaced at once: one crash is bad
#: luck, and somebody may be waiting.
AFTER_QUICK_DEATHS = (0.0, *AFTER_FAILED_STARTS)

#: A process that dies within so many seconds of being ready died quickly.
QUICK = 10.0


class Running(Protocol):
    """A process as seen from here; see processes/process.py."""

    @property
    def identity(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def address(self) -> str: ...
    async def wait(self) -> int: ...
    def stop(self) -> None: ...
    def evidence(self) -> str: ...


class Starter(Protocol):
    """Starts processes; see processes/launcher.py."""

    @property
    def gpus(self) -> int | None: ...
    @property
    def running(self) -> int: ...
    def start(self) -> Running: ...


@dataclass(slots=True, eq=False)
class _Member:
    process: Running
    began: float
    ready_at: float | None = None  # when it first became ready
    stopping: bool = False
    late: bool = False

    @property
    def listed(self) -> Listed:
        process = self.process
        return Listed(process.identity, process.address, process.name, fresh=True)


class LocalProcesses:
    """One pool's processes. `most` (None: no limit) counts all that run; a start that takes longer than
    `start_timeout` seconds has failed. Both may be set anew at any time."""

    stale: str | None = None

    def __init__(
        self, pool: str, starter: Starter, reports: Reports, watch: Watch, *, most: int | None, start_timeout: float
    ) -> None:
        self.most = most
        self._starter = starter
        self._reports = reports
        self._watch = watch
        self.start_timeout = start_timeout
        self.on_death: Callable[[], None] = lambda: None  # a ready one died by itself: whoever wants it back may say so
        self._members: dict[str, _Member] = {}
        self._failed_starts = BackOff(AFTER_FAILED_STARTS)
        self._quick_deaths = BackOff(AFTER_QUICK_DEATHS)
        self._tasks: TaskGroup | None = None  # while it runs
        self._closed = False
        self._log = structlog.get_logger().bind(pool=pool)

    # What the scaler sees and says

    @property
    def existing(self) -> int:
        """Processes that are starting or ready; those that are being stopped do not count."""
        return sum(not member.stopping for member in self._members.values())

    @property
    def ceilings(self) -> Mapping[str, int]:
        """The bounds on the number of processes, by name."""
        bounds = {"processes.max": self.most, "gpus": self._starter.gpus}
        return {name: bound for name, bound in bounds.items() if bound is not None}

    def start(self) -> None:
        """Start one more, if that is possible now: not during a back-off, nor while one that is being stopped still
        holds the place. Whoever still wants it asks again."""
        now = anyio.current_time()
        if self._tasks is None or self._closed or not self._may_start(now):
            return
        try:
            process = self._starter.start()
        except CannotStart as error:
            self._start_failed(str(error), now, now)
            return
        member = self._members[process.identity] = _Member(process, now)
        self._log.info("process_started", backend=process.name, address=process.address)
        self._list()
        self._tasks.start_soon(self._look_after, member)

    def stop(self, identity: str) -> None:
        """End this one. It exists no longer, but its place is taken until nothing of it is left."""
        member = self._members.get(identity)
        if member is not None and not member.stopping:
            member.stopping = True
            self._reports.set_state(identity, BackendState.DRAINING)
            member.process.stop()

    def replace(self, identity: str, because: str) -> None:
        """The same for one that is not well. Whoever still wants one starts another."""
        member = self._members.get(identity)
        if member is not None and not member.stopping:
            self._log.warning(
                "process_replaced",
                backend=member.process.name,
                evidence=because,
                do="see its log in processes.log_dir",
            )
            self.stop(identity)

    # Its life

    async def run(self) -> None:
        """Look after the processes, until cancelled; that ends none of them."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                await anyio.sleep_forever()
            finally:
                self._tasks = None

    async def close(self) -> None:
        """Start nothing any more, stop everything, and wait until nothing is left."""
        self._closed = True
        members = list(self._members.values())
        for member in members:
            self.stop(member.process.identity)
        for member in members:
            self._ended(member, await member.process.wait())

    async def _look_after(self, member: _Member) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._watch, member.listed, partial(self._probed, member))
            tasks.start_soon(self._stop_if_late, member)
            code = await member.process.wait()
            tasks.cancel_scope.cancel()
        self._ended(member, code)

    async def _stop_if_late(self, member: _Member) -> None:
        await anyio.sleep(self.start_timeout)
        if member.ready_at is None and not member.stopping:
            member.late = True
            self.stop(member.process.identity)

    # What becomes of a process

    def _probed(self, member: _Member, ready: bool) -> None:
        if member.stopping:
            return
        if ready and member.ready_at is None:
            self._became_ready(member)
        state = BackendState.READY if ready else BackendState.STARTING
        self._reports.set_state(member.process.identity, state)

    def _became_ready(self, member: _Member) -> None:
        member.ready_at = anyio.current_time()
        seconds = member.ready_at - member.began
        self._failed_starts.succeeded()
        self._reports.start_succeeded()
        self._log.info("process_ready", backend=member.process.name, seconds=round(seconds, 3))

    def _ended(self, member: _Member, code: int) -> None:
        process, now = member.process, anyio.current_time()
        if self._members.pop(process.identity, None) is None:
            return  # `close` and its own task both wait for it
        self._reports.set_state(process.identity, BackendState.GONE)
        self._list()
        how = f"not ready within {self.start_timeout:g} s" if member.late else describe_exit(code)
        evidence = ": ".join(filter(None, (how, process.evidence())))
        if member.stopping and not member.late:
            self._log.info("process_stopped", backend=process.name, exit_code=code)
        elif member.ready_at is None:
            self._start_failed(evidence, member.began, now)
        else:
            self._log.warning(
                "process_died",
                backend=process.name,
                evidence=evidence,
                do="see its log in processes.log_dir; another is started if it is wanted",
            )
            self._died(member.began, now - member.ready_at, now)
            self.on_death()

    def _start_failed(self, evidence: str, began: float, now: float) -> None:
        retry_in = self._failed_starts.failed(began, now)
        self._log.warning(
            "process_start_failed",
            evidence=evidence,
            retry_in=retry_in,
            do="run processes.command by hand, see its log in processes.log_dir; it is tried again when it is wanted",
        )
        self._reports.start_failed(evidence, retry_in)

    def _died(self, began: float, lived: float, now: float) -> None:
        if lived >= QUICK:
            self._quick_deaths.succeeded()
        else:
            self._quick_deaths.failed(began, now)

    def _may_start(self, now: float) -> bool:
        has_place = all(self._starter.running < ceiling for ceiling in self.ceilings.values())
        return has_place and self._failed_starts.is_over(now) and self._quick_deaths.is_over(now)

    def _list(self) -> None:
        self._reports.replace_backends([member.listed for member in self._members.values()])
