"""Jobs whose ends a pod tells on a stream that one client reads, and nobody else can ask for: who hears the stream
enters each end here, and the job is over. A client that closes its stream does not end a function that runs; the
gateway then reads on in its place. (`proxy/tracking/stream_watch.py`)
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import anyio

from gateway.dialogues.dialogue import End

if TYPE_CHECKING:
    from gateway.dialogues.dialogue import Pod

#: Jobs whose end was told before the answer that names them was read here: the two come on two connections.
_ENDED = 1024

#: Seconds between two looks whether the pod is still there.
_LOOK_EVERY = 5.0


class ToldEnds:
    """Those of one protocol, in one pool."""

    def __init__(self) -> None:
        self._at_work: dict[str, ToldJob] = {}
        self._ended: OrderedDict[str, End] = OrderedDict()

    def begun(self, name: str, stream: str, keys: tuple[str, ...] = ()) -> ToldJob:
        """The job `name`, whose end is told on `stream`; clients ask for it by `keys`. A name may come again: an end is
        that of one job."""
        job = ToldJob(self, name, stream, keys)
        self._at_work[name] = job
        if (end := self._ended.pop(name, None)) is not None:
            job.ended(end)
        return job

    def ended(self, name: str, end: End = End.SEEN) -> None:
        """A stream says so."""
        if (job := self._at_work.get(name)) is not None and not job.over.is_set():
            job.ended(end)
            return
        self._ended[name] = end
        while len(self._ended) > _ENDED:
            self._ended.popitem(last=False)

    def is_told_of(self, stream: str) -> bool:
        """A job is at work whose end would be told on this stream."""
        return any(job.stream == stream and not job.over.is_set() for job in self._at_work.values())

    def forget(self, job: ToldJob) -> None:
        """The job's: nobody waits for its end any more."""
        if self._at_work.get(job.name) is job:
            del self._at_work[job.name]


class ToldJob:
    """One job."""

    made: tuple[str, ...] = ()
    failure = ""

    def __init__(self, ends: ToldEnds, name: str, stream: str, keys: tuple[str, ...]) -> None:
        self.name: str = name
        self.keys = keys
        self.stream = stream
        self.over = anyio.Event()
        self._ends = ends
        self._end = End.SEEN

    def ended(self, end: End) -> None:
        """So it is over."""
        self._end = end
        self.over.set()

    async def until_over(self, pod: Pod) -> End:
        """Until its stream says so, or the pod is gone."""
        try:
            while not pod.gone:
                with anyio.move_on_after(_LOOK_EVERY):
                    await self.over.wait()
                if self.over.is_set():
                    return self._end
                await pod.get("/", 0)  # whatever it says: is anybody there?
            return End.LOST
        finally:
            self._ends.forget(self)
