"""A pod that can do one thing at a time, says how often it was given two, and misbehaves when it is told to.

It answers A1111's progress route (busy or idle), pages (any other GET) at once, and everything else by `work` seconds
of work, one at a time: a second job meanwhile is refused with 500 and counted. As on a GPU, work that has begun goes on
whatever becomes of its connection. Each job says itself how it is to be answered: `X-Behave: NAME`, see
`pod_behaviours.py`; those that say nothing are answered as is the pod's habit.

    python -m tests.doubles.fault_pod --port 7001 --work 0.2 --habit well

runs one as a process, which prints a line for each job.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import sys
from contextlib import asynccontextmanager
from itertools import repeat
from typing import TYPE_CHECKING

from tests.doubles.pod_behaviours import BEHAVIOURS, Job

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


class FaultPod:
    """One pod. `open` and `refuse` may be called in turns: the port stays its own."""

    def __init__(
        self, work: float = 0.02, *, name: str = "", told: Callable[[str], object] = lambda line: None
    ) -> None:
        self.work = work
        self.name = name
        self.jobs: list[Job] = []  # in the order they came, those refused too
        self.double_runs = 0
        self.connections = 0
        self.habit: Iterator[str] = repeat("well")  # how jobs that do not say it are answered, one after the other
        self.told = told  # a line for each job, when it comes
        self._working: Job | None = None
        self._timer: asyncio.TimerHandle | None = None  # of the work
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._port = 0
        self._held: socket.socket | None = None  # the port's, while nobody listens: it is kept, and refuses

    def bind(self, port: int = 0) -> None:
        """Take a port, which refuses connections until `open`."""
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", port))
        self._port = self._held.getsockname()[1]

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def port(self) -> int:
        """Its own for as long as it lives."""
        return self._port

    @property
    def is_working(self) -> bool:
        """On something, whether anybody waits for it or not."""
        return self._working is not None

    def finish(self) -> None:
        """What it works on is done now."""
        if self._timer is not None and self._working is not None:
            self._timer.cancel()
            self._done(self._working)

    async def open(self) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(self._serve, sock=self._held, backlog=1000)
        self._held = None

    def refuse(self) -> None:
        """Take no more connections, as if nobody were there."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self.bind(self._port)

    async def close(self) -> None:
        """End everything."""
        self.refuse()
        if self._held is not None:
            self._held.close()
        self.finish()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side has left, or the pod is being closed
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection."""
        job = Job(await reader.readuntil(b"\r\n\r\n"), reader, writer)
        if job.line.startswith("GET /sdapi/v1/progress"):
            await job.send(_answer_with(self._progress()))
        elif job.line.startswith("GET "):
            await job.send(_answer_with({"page": self.name}))
        else:
            await self._take(job)

    async def _take(self, job: Job) -> None:
        self.jobs.append(job)
        self.told(f"job {job.key} {job.request_id}")
        if self._working is not None:
            self.double_runs += 1
            self.told(f"double run {job.key}")
            await job.send(job.answer("500 Two At Once"))
            return
        self._working = job
        self._timer = asyncio.get_running_loop().call_later(self.work, self._done, job)
        await BEHAVIOURS[job.headers.get("x-behave") or next(self.habit)](job)

    def _done(self, job: Job) -> None:
        self._working = None
        if not job.work.done():  # its connection's task may have been cancelled in the middle of it
            job.work.set_result(None)

    def _progress(self) -> object:
        job = self._working.key if self._working is not None else ""
        return {"progress": 0.0, "state": {"job": job, "job_count": 1 if self._working else 0}}


def _answer_with(content: object) -> bytes:
    body = json.dumps(content).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


@asynccontextmanager
async def fault_pods(count: int, work: float = 0.02) -> AsyncIterator[list[FaultPod]]:
    """So many of them, open, on this loop."""
    pods = [FaultPod(work, name=f"pod-{number}") for number in range(1, count + 1)]
    try:
        for pod in pods:
            pod.bind()
            await pod.open()
        yield pods
    finally:
        for pod in pods:
            await pod.close()


async def _run(port: int, work: float, habit: str) -> None:
    pod = FaultPod(work, told=_say)
    pod.habit = repeat(habit)
    pod.bind(port)
    await pod.open()
    await asyncio.get_running_loop().create_future()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(prog="python -m tests.doubles.fault_pod")
    _parser.add_argument("--port", type=int, required=True)
    _parser.add_argument("--work", type=float, default=0.02)
    _parser.add_argument("--habit", choices=BEHAVIOURS, default="well")
    _options = _parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(_options.port, _options.work, _options.habit))
