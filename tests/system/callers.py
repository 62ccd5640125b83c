"""Clients of a running gateway that write their own bytes."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from tests.server.raw_client import RawAnswer, RawClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from tests.system.running_gateway import RunningGateway

TXT2IMG = "/sdapi/v1/txt2img"


def job(key: object, *headers: str, behave: str = "well", body: bytes = b'{"prompt": "pretty dog"}') -> bytes:
    """A request for work, as bytes."""
    lines = [
        f"POST {TXT2IMG} HTTP/1.1",
        "Host: sd.example",
        f"Content-Length: {len(body)}",
        f"X-Job: {key}",
        f"X-Behave: {behave}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def callers(gateway: RunningGateway, count: int) -> AbstractAsyncContextManager[list[RawClient]]:
    """So many connections to its traffic port."""
    return connections(gateway.traffic, count)


@asynccontextmanager
async def connections(address: tuple[str, int], count: int) -> AsyncIterator[list[RawClient]]:
    """So many, which have asked for nothing yet."""
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(count):
            client = RawClient(*await asyncio.open_connection(*address))
            stack.push_async_callback(client.close)
            found.append(client)
        yield found


async def ask(gateway: RunningGateway, request: bytes) -> RawAnswer:
    """On a connection of its own: send it, take the whole answer."""
    async with callers(gateway, 1) as (client,):
        return await client.ask(request)


async def leave(gateway: RunningGateway, client: RawClient, how: str) -> None:
    """By a reset or a half-close; returns when the gateway knows."""
    if how == "reset":
        client.reset()
        await client.close()
        await gateway.ask("/healthz")  # it hears of both in the order in which they came
    else:
        client.half_close()
        with contextlib.suppress(ConnectionError):
            await client.rest()  # its answer to that: it closes


async def outcomes(clients: Sequence[RawClient]) -> list[int]:
    """Of each: the status of the whole answer that comes; 0 if there is none, or not all of it."""
    return await asyncio.gather(*map(_outcome, clients))


async def _outcome(client: RawClient) -> int:
    try:
        return (await client.answer()).status
    except (ConnectionError, asyncio.IncompleteReadError):
        return 0
