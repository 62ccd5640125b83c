"""An HTTP/1.1 server on loopback that answers what a test tells it to, byte for byte."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from anyio.abc import SocketAttribute
from anyio.streams.buffered import BufferedByteReceiveStream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from anyio.abc import SocketStream


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came over the wire."""

    line: str  # the request line
    headers: dict[str, str]  # names in lower case
    body: bytes


def answer(body: bytes = b"", *headers: str, status: str = "200 OK") -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextlib.asynccontextmanager
async def scripted_site(respond: Callable[[Asked], Awaitable[bytes | None]]) -> AsyncIterator[str]:
    """Serve until the end of the block. `respond` gives the bytes to send; the connection is closed after those
    that say `Connection: close`, and instead of None."""

    async def serve(stream: SocketStream) -> None:
        async with stream:
            source = BufferedByteReceiveStream(stream)
            with contextlib.suppress(anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError):
                while (sent := await respond(await _read(source))) is not None:
                    await stream.send(sent)
                    if b"\r\nConnection: close" in sent:
                        return

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        yield f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        group.cancel_scope.cancel()


async def _read(source: BufferedByteReceiveStream) -> Asked:
    head = (await source.receive_until(b"\r\n\r\n", 65536)).decode()
    line, *fields = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    return Asked(line, headers, await source.receive_exactly(int(headers.get("content-length", "0"))))
