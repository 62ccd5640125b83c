"""Writes a request: the head and the start of the body at once, the rest as fast as the backend takes it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING

from gateway.upstream.errors import WrongLength

if TYPE_CHECKING:
    from gateway.upstream.connection import Connection
    from gateway.upstream.request import UpstreamRequest

#: Bytes written at a time: the transports' own high-water mark, so that one piece never piles up on another.
PIECE = 64 * 1024


def first_write(request: UpstreamRequest) -> bytes:
    """The head, and the first `PIECE` bytes of a body in memory. Raises ValueError, as `encode_head` does."""
    head = request.encode()
    return head + request.body[:PIECE] if isinstance(request.body, bytes) else head


def has_rest(request: UpstreamRequest) -> bool:
    """Whether `first_write` leaves something for `send_rest`."""
    return not (request.body is None or (isinstance(request.body, bytes) and len(request.body) <= PIECE))


async def send_rest(connection: Connection, request: UpstreamRequest) -> None:
    """Write what `first_write` left.

    Raises WrongLength, and whatever the body's iterator raises: the request has then not ended, and the caller breaks
    the connection. A generator is closed here, however this ends.
    """
    body = request.body
    if isinstance(body, bytes):
        await _send_counted(connection, _pieces_of(memoryview(body)[PIECE:]), len(body) - PIECE)
    elif body is not None:
        try:
            if request.length is None:
                await _send_chunked(connection, body)
            else:
                await _send_counted(connection, body, request.length)
        finally:
            if isinstance(body, AsyncGenerator):
                await body.aclose()


async def _send_counted(connection: Connection, body: AsyncIterator[bytes | memoryview], length: int) -> None:
    left = length
    async for piece in body:
        left -= len(piece)
        if left < 0:
            raise WrongLength(connection.address, f"the request's body is longer than the {length} bytes announced")
        await connection.ready_to_write()
        connection.write(piece)
    if left:
        raise WrongLength(connection.address, f"the request's body ended {left} bytes short of {length}")


async def _send_chunked(connection: Connection, body: AsyncIterator[bytes]) -> None:
    async for piece in body:
        if piece:  # an empty chunk would be the last one
            await connection.ready_to_write()
            connection.write(b"%x\r\n%b\r\n" % (len(piece), piece))
    await connection.ready_to_write()
    connection.write(b"0\r\n\r\n")


async def _pieces_of(body: memoryview) -> AsyncIterator[memoryview]:
    for start in range(0, len(body), PIECE):
        yield body[start : start + PIECE]
