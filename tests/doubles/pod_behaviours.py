"""The ways in which a fault pod answers a job, by name: rightly, slowly, not at all, broken off, or with nonsense."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

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


async def endless(job: Job) -> None:
    """A byte now and then, for ever: no pause is long."""
    await job.body()
    await job.send(job.answer(size=1_000_000)[:100])
    while True:
        await job.send(b".")
        await asyncio.sleep(0.02)


async def fails(job: Job) -> None:
    """Says so itself, in good order."""
    await job.body()
    await job.work
    await job.send(job.answer("500 Out Of Memory"))


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


async def close_after(job: Job) -> None:
    """The connection closes when the work is done, and there is no answer."""
    await job.body()
    await job.work


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
        *(well, digest, big, begun, drip, endless, fails, mute, bad_http, extra_bytes, early),
        *(reset_before, close_before, close_after, reset_in, close_in),
    )
}
