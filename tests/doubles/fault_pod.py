"""A pod that can do one thing at a time, says how often it was given two, and misbehaves when it is told to.

It answers A1111's progress route (busy or idle), pages (any other GET) at once, and everything else by `work` seconds
of work, one at a time: a second job meanwhile is refused with 500 and counted. As on a GPU, work that has begun goes on
whatever becomes of its connection. Each job says itself how it is to be answered: `X-Behave: NAME`, see BEHAVIOURS.

    python -m tests.doubles.fault_pod --port 7001 --work 0.2

runs one as a process, which prints a line for each job.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import socket
import struct
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset


class Job:
    """One request that works. `key` is the client's name for it (X-Job), `request_id` the gateway's."""

    def __init__(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, *fields = head.decode("latin-1").split("\r\n")[:-2]
        self.line = line
        self.headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
        self.key = self.headers.get("x-job", "")
        self.request_id = self.headers.get("x-request-id", "")
        self.work: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reader = reader
        self._writer = writer

    async def body(self) -> bytes:
        """All of it."""
        if self.headers.get("transfer-encoding") != "chunked":
            return await self._reader.readexactly(int(self.headers.get("content-length", "0")))
        body = b""
        while size := int(await self._reader.readline(), 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readline()
        return body

    async def send(self, data: bytes) -> None:
        """As far as anybody takes it."""
        self._writer.write(data)
        await self._writer.drain()

    async def left(self) -> None:
        """Until the other side closes."""
        while await self._reader.read(65536):
            pass

    def reset(self) -> None:
        """Break the connection, with a RST."""
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self._writer.transport.abort()

    def answer(self, status: str = "200 OK", size: int = 0, **told: str) -> bytes:
        """A whole answer that tells whose it is; `size`: bytes of its body, at least."""
        body = json.dumps({"job": self.key, **told}).encode().ljust(size, b".")
        return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status.encode(), len(body), body)


async def well(job: Job) -> None:
    await job.body()
    await job.work
    await job.send(job.answer())


async def digest(job: Job) -> None:
    """Tells the SHA-256 of the body that came, in chunks or counted."""
    found = hashlib.sha256(await job.body()).hexdigest()
    await job.work
    await job.send(job.answer(digest=found))


async def big(job: Job) -> None:
    """32 MiB: more than the sockets between here and the client hold."""
    await job.body()
    await job.work
    await job.send(job.answer(size=32 << 20))


async def begun(job: Job) -> None:
    """Half of the answer at once, the rest when the work is done."""
    await job.body()
    answer = job.answer(size=2000)
    await job.send(answer[:1000])
    await job.work
    await job.send(answer[1000:])


async def drip(job: Job) -> None:
    """A byte in each packet."""
    await job.body()
    await job.work
    for byte in job.answer():
        await job.send(bytes([byte]))
        await asyncio.sleep(0.001)


async def mute(job: Job) -> None:
    await job.body()
    await job.left()


async def reset_before(job: Job) -> None:
    """The connection breaks as soon as the request is here. The work goes on."""
    await job.body()
    job.reset()


async def close_before(job: Job) -> None:
    """As above, but politely."""
    await job.body()


async def reset_in(job: Job) -> None:
    """The connection breaks in mid-answer. The work goes on."""
    await job.body()
    await job.send(job.answer(size=2000)[:1000])
    job.reset()


async def close_in(job: Job) -> None:
    """As above, but politely."""
    await job.body()
    await job.send(job.answer(size=2000)[:1000])


async def bad_http(job: Job) -> None:
    await job.body()
    await job.send(b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n")
    await job.left()


async def extra_bytes(job: Job) -> None:
    """Another answer, which nobody has asked for, behind the right one."""
    await job.body()
    await job.work
    await job.send(job.answer() + job.answer("201 Created"))


async def early(job: Job) -> None:
    """An answer before the request is here; its body is not read."""
    await job.work
    await job.send(job.answer("413 Payload Too Large"))
    job.reset()


BEHAVIOURS: dict[str, Callable[[Job], Awaitable[None]]] = {
    each.__name__: each
    for each in (
        *(well, digest, big, begun, drip, mute, bad_http, extra_bytes, early),
        *(reset_before, close_before, reset_in, close_in),
    )
}


class FaultPod:
    """One pod. `open` and `refuse` may be called in turns: the port stays its own."""

    def __init__(
        self, work: float = 0.02, *, name: str = "", told: Callable[[str], object] = lambda line: None
    ) -> None:
        self.work = work
        self.name = name
        self.jobs: list[Job] = []  # in the order they came, those refused too
        self.double_runs = 0
        self.pages: list[Job] = []
        self.connections = 0
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
            self.pages.append(job)
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
        await BEHAVIOURS[job.headers.get("x-behave", "well")](job)

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


async def _run(port: int, work: float) -> None:
    pod = FaultPod(work, told=_say)
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
    _options = _parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(_options.port, _options.work))
