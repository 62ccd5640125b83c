"""What a pod does with a websocket, as scripts for `ScriptedServer`: it agrees, and then treats bytes as bytes.

    python -m tests.doubles.websocket_pod --port 7001

runs one that echoes, as a process.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import hashlib
import re
from typing import TYPE_CHECKING

from tests.doubles.scripted_server import ScriptedServer, Visit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def handshake(path: str = "/live", *headers: str) -> bytes:
    """A client's, as bytes."""
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: sd.example",
        "Connection: keep-alive, Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {KEY.decode()}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def agreement(head: bytes) -> bytes:
    """The 101 to that."""
    found = re.search(rb"sec-websocket-key: (\S+)", head, re.IGNORECASE)
    assert found is not None
    accept = base64.b64encode(hashlib.sha1(found[1] + _GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def agreeing(then: Callable[[Visit], Awaitable[None]], behind: bytes = b"") -> Callable[[Visit], Awaitable[None]]:
    """It says `behind` in one breath with its 101."""

    async def script(visit: Visit) -> None:
        await visit.send(agreement(await visit.head()) + behind)
        await then(visit)

    return script


async def echoing(visit: Visit) -> None:
    """Until the other side ends."""
    while piece := await visit.some():
        await visit.send(piece)


async def _run(port: int) -> None:
    async with ScriptedServer(agreeing(echoing), port=port):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    _parser = argparse.ArgumentParser(prog="python -m tests.doubles.websocket_pod")
    _parser.add_argument("--port", type=int, required=True)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(_parser.parse_args().port))
