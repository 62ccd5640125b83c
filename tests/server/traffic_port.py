"""A traffic port on a free port of the loopback, and what it counted."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.server.limits import Limits
from gateway.server.listener import Listener, bind, traffic_listener
from gateway.server.state import TrafficState
from tests.server.raw_client import RawClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp


@dataclass
class TrafficPort:
    """Dial it as often as you like; its clients close with it."""

    listener: Listener
    shared: TrafficState
    refused: list[str]
    clients: list[RawClient] = field(default_factory=list)

    async def dial(self) -> RawClient:
        client = RawClient(*await asyncio.open_connection(*self.listener.addresses[0]))
        self.clients.append(client)
        return client


@contextlib.asynccontextmanager
async def traffic_port(app: ASGIApp, limits: Limits | None = None) -> AsyncIterator[TrafficPort]:
    """`app` behind the protocol under test."""
    refused: list[str] = []
    shared = TrafficState(limits or Limits(), refused.append)
    port = TrafficPort(traffic_listener(bind(["127.0.0.1"], 0), app, shared), shared, refused)
    await port.listener.start()
    try:
        yield port
    finally:
        for client in port.clients:
            await client.close()
        await port.listener.abandon()
