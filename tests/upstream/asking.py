"""The requests that tests send, and what they do with an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from gateway.upstream.request import UpstreamRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.upstream.exchange import Exchange
    from gateway.upstream.head import AnswerHead

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
HOST = (b"host", b"pod")


def get() -> UpstreamRequest:
    """May ride on another's connection."""
    return UpstreamRequest(b"GET", b"/", [HOST], reusable=True)


def post(body: bytes | AsyncIterator[bytes], length: int | None = None) -> UpstreamRequest:
    """Must run at most once."""
    return UpstreamRequest(b"POST", b"/", [HOST], body, length)


async def read_all(exchange: Exchange) -> tuple[AnswerHead, bytes]:
    """Head and whole body."""
    head = await exchange.head()
    body = bytearray()
    while piece := await exchange.read():
        body += piece
    return head, bytes(body)


async def many_turns() -> None:
    """Let the event loop go round until whatever can flow over loopback has flowed: its sockets fill in a few turns."""
    for _ in range(500):
        await anyio.lowlevel.checkpoint()
