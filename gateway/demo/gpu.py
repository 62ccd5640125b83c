"""A pretended GPU: one job at a time, of a fixed length. It is a detector: it does not queue, unless it is told to.

The real server lines requests up behind a lock and so hides that two were sent to it at once. Here the second is
counted, because "never two at once" is what the gateway in front of it promises, and refused; or it waits for the lock,
first come, first served, as in the real one.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

#: Names of ended jobs that are remembered, as many as the real server remembers.
_REMEMBERED = 16


class TwoAtOnceError(Exception):
    """A job was sent while another was running."""


@dataclass(slots=True)
class Job:
    """One piece of work. It ends when its time is over, or at the next interrupt or skip."""

    name: str
    task: str  # what the client calls it, or what the server named it
    steps: int
    seconds: float
    began: float = field(default_factory=time.monotonic)
    stamp: str = field(default_factory=lambda: time.strftime("%Y%m%d%H%M%S"))
    interrupted: bool = False
    skipped: bool = False
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    def interrupt(self) -> None:
        """End at once; what is painted so far is the answer."""
        self.interrupted = True
        self._stopped.set()

    def skip(self) -> None:
        """As interrupt: a stand-in's job has one picture to skip."""
        self.skipped = True
        self._stopped.set()

    @property
    def part(self) -> float:
        """How much of it is done, 0 to 1."""
        return min((time.monotonic() - self.began) / self.seconds, 1.0) if self.seconds else 1.0

    @property
    def seconds_left(self) -> float:
        """Until it is done, if nothing ends it earlier."""
        return max(self.began + self.seconds - time.monotonic(), 0.0)

    async def until_over(self) -> None:
        """Wait for its time to pass or for somebody to stop it."""
        try:
            async with asyncio.timeout(self.seconds_left):
                await self._stopped.wait()
        except TimeoutError:
            return


class Gpu:
    """Runs one job; refuses a second, or lets it wait if it `queues`. Nobody but an interrupt stops a job: not a client
    that leaves either."""

    def __init__(self, *, queues: bool = False) -> None:
        self.job: Job | None = None
        self.waiting: list[str] = []  # tasks of those behind the lock, in order
        self.served = 0  # jobs done
        self.two_at_once = 0  # jobs that came while one was running
        self.stopped = 0  # jobs that somebody's interrupt or skip ended early
        self._queues = queues
        self._lock = asyncio.Lock()  # it wakes in order
        self.ended: deque[str] = deque(maxlen=_REMEMBERED)  # tasks

    async def run(self, job: Job, paint: Callable[[], T]) -> T:
        """Do the job and return what `paint` made, painted in a thread so that light routes stay light.

        Raises TwoAtOnceError while another job is running, unless it queues.
        """
        if self.job is not None:
            self.two_at_once += 1
            if not self._queues:
                raise TwoAtOnceError(f"{job.name} came while {self.job.name} was running")
        self.waiting.append(job.task)
        try:
            await self._lock.acquire()
        finally:
            self.waiting.remove(job.task)
        self.job = job
        job.began = time.monotonic()
        try:
            result = await asyncio.to_thread(paint)
            await job.until_over()
        finally:
            self.job = None
            self.ended.append(job.task)
            self._lock.release()
        self.served += 1
        self.stopped += job.interrupted or job.skipped
        return result
