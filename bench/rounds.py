"""How targets take turns: round by round, so that what slows the machine for a while slows all of them, and what a
round says of one can be compared with what it says of another.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

from bench.children import CannotMeasure, cpu_seconds
from bench.load import drive

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from bench.children import Cores
    from bench.fleet import Fleet
    from bench.load import Volley
    from bench.targets import Standing, Target

#: Clients that send at once. More than pods, so that there always is a line.
CLIENTS = 32

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is done for a figure."""

    rounds: int
    seconds: float  # a run
    warm_up: float  # seconds of load that are not counted, before the first round
    long_runs: int  # rounds of measurements that take long, and have no other target


@dataclass(frozen=True, slots=True)
class Bench:
    """What every measurement needs."""

    targets: Sequence[Target]
    cores: Cores
    effort: Effort
    troubled: Callable[[str], None]  # told of each target that could not be measured, and why

    def with_a_line(self) -> tuple[Bench, list[str]]:
        """The same without targets that refuse what finds every pod busy, and a note of each."""
        queueing = [target for target in self.targets if target.queues]
        notes = [
            f"{target.name} is left out: it has no line, and refuses what finds every pod at its limit"
            for target in self.targets
            if not target.queues
        ]
        return replace(self, targets=queueing), notes


@dataclass(frozen=True, slots=True)
class Run:
    """One target under load, once."""

    volley: Volley
    cpu: float | None  # seconds the target used

    @property
    def cpu_per_answer(self) -> float | None:
        """Microseconds."""
        return None if self.cpu is None else self.cpu / self.volley.answers * 1e6

    @property
    def core_busy(self) -> float | None:
        """How much of one core the target used; far below 1, it was not the target that set the pace."""
        return None if self.cpu is None else self.cpu / self.volley.seconds


async def rounds(
    bench: Bench, number: int, pods: Fleet, once: Callable[[Standing, float], Awaitable[_T]]
) -> dict[str, list[_T]]:
    """Every target, once a round, after a warm-up that does not count; each up in front of these pods, with a limit of
    one a pod. A target that fails is told of, and left out altogether."""
    effort = bench.effort
    runs: dict[str, list[_T]] = {}
    async with contextlib.AsyncExitStack() as stack:
        standing = [up for target in bench.targets if (up := await _up(bench, number, pods, target, stack))]
        for seconds in (effort.warm_up, *[effort.seconds] * effort.rounds):
            for target in list(standing):
                try:
                    runs.setdefault(target.name, []).append(await once(target, seconds))
                except CannotMeasure as error:
                    bench.troubled(f"measurement {number}, {target.name}: {error}")
                    standing.remove(target)
                    runs.pop(target.name, None)
    return {name: each[1:] for name, each in runs.items()}


async def _up(
    bench: Bench, number: int, pods: Fleet, target: Target, stack: contextlib.AsyncExitStack
) -> Standing | None:
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
    try:
        return await stack.enter_async_context(target.stand(pods.addresses, 1, bench.cores.target, folder))
    except CannotMeasure as error:
        bench.troubled(f"measurement {number}, {target.name}: {error}")
        return None


async def load_once(
    target: Standing, request: bytes, seconds: float, *, clients: int = CLIENTS, keep_cookies: bool = False
) -> Run:
    """Load on one target for so many seconds, and what it cost. Raises CannotMeasure, as `drive` does."""
    before = _cpu(target)
    volley = await drive(target.addresses, request, clients=clients, seconds=seconds, keep_cookies=keep_cookies)
    after = _cpu(target)
    return Run(volley, None if before is None or after is None else after - before)


def _cpu(target: Standing) -> float | None:
    return None if target.pid is None else cpu_seconds(target.pid)
