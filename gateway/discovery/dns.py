"""Backends behind one name, such as a headless service's: each address that the name resolves to is one.

An answer is believed, also "there is no such name": that is how a headless service without pods answers. No answer (a
time-out, a failing server) is no news. Nothing but an address is known of such a backend, so that is its identity.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import anyio
import structlog

from gateway.core.records.listed import Listed
from gateway.core.records.networks import host_and_port
from gateway.discovery.watched_listing import WatchedListing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.discovery.source import Reports, Watch

_NO_ADDRESSES = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


async def resolve(name: str, port: int) -> list[str]:
    """Each "host:port" behind the name, in a stable order; none if there is no such name.

    Of IPv4 and IPv6 one is taken: a pod with both would be listed twice, and would work on two requests at once.
    Raises OSError if no answer could be had.
    """
    try:
        found = await anyio.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in _NO_ADDRESSES:
            return []
        raise
    v4 = {host_and_port(where[0], port) for family, *_, where in found if family == socket.AF_INET}
    v6 = {host_and_port(where[0], port) for family, *_, where in found if family == socket.AF_INET6}
    return sorted(v4 or v6)


class DnsBackends:
    """Resolves a name every `interval` seconds. Raises ValueError if it cannot be a host's name."""

    def __init__(
        self,
        name: str,
        port: int,
        reports: Reports,
        watch: Watch,
        *,
        interval: float = 5.0,
        resolve: Callable[[str, int], Awaitable[list[str]]] = resolve,
    ) -> None:
        name.encode("idna")
        self._name = name
        self._port = port
        self._reports = reports
        self._watch = watch
        self._interval = interval
        self._resolve = resolve
        self._known: list[str] | None = None
        self.stale: str | None = None
        self._log = structlog.get_logger().bind(name=name)

    async def run(self) -> None:
        """Keep the list true, until cancelled."""
        async with anyio.create_task_group() as tasks:
            listing = WatchedListing(tasks, self._reports, self._watch)
            while True:
                await self._look(listing)
                await anyio.sleep(self._interval)

    async def _look(self, listing: WatchedListing) -> None:
        try:
            addresses = await self._resolve(self._name, self._port)
        except OSError as error:
            if self.stale is None:
                self._log.warning(
                    "dns_fails",
                    error=str(error),
                    kept=len(self._known or ()),
                    do="look at the name server; until it answers, who was known is served on, and nobody new is seen",
                )
            self.stale = f"resolve {self._name}: {error}"
            return
        self.stale = None
        if addresses != self._known:
            self._log.info("dns_changed", addresses=addresses)
            self._known = addresses
            listing.replace([Listed(address, address, address) for address in addresses])
