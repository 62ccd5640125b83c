"""Backends that the configuration names one by one. They are always listed; whether they are ready is probed.

Each is one backend, also where its host is a name that leads to several addresses. Those would share one slot, and a
job's progress would be asked of another pod than the one that has it, so that is said as an error, which names `dns`.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
import structlog

from gateway.core.records.listed import Listed
from gateway.core.records.networks import host_and_port
from gateway.discovery.dns import resolve
from gateway.discovery.watched_listing import WatchedListing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from gateway.discovery.source import Reports, Watch

#: Seconds between two looks at what a name leads to.
_LOOK_EVERY = 60.0


class StaticBackends:
    """The backends at these URLs; each is known by its address. Raises ValueError as `address_of` does."""

    stale: str | None = None

    def __init__(
        self,
        urls: Iterable[str],
        reports: Reports,
        watch: Watch,
        *,
        resolve: Callable[[str, int], Awaitable[list[str]]] = resolve,
    ) -> None:
        self._listing = [Listed(address, address, address) for address in map(address_of, urls)]
        self._reports = reports
        self._watch = watch
        self._resolve = resolve

    async def run(self) -> None:
        """List them and look after them, until cancelled."""
        async with anyio.create_task_group() as tasks:
            WatchedListing(tasks, self._reports, self._watch).replace(self._listing)
            for backend in self._listing:
                host, _, port = backend.address.rpartition(":")
                if not _is_literal(host):
                    tasks.start_soon(self._look_behind, host, int(port))
            await anyio.sleep_forever()

    async def _look_behind(self, name: str, port: int) -> None:
        """Say it when the name leads to several addresses, and anew when it does again."""
        was_told = False
        while True:
            addresses = await self._found(name, port)
            if len(addresses) > 1 and not was_told:
                structlog.get_logger().error(
                    "static_name_has_several_addresses",
                    name=name,
                    addresses=addresses,
                    means="they count as one pod: one request at a time among them all, each to any of them",
                    do="name it under backends.dns, where each address is a pod of its own, or list the addresses",
                )
            was_told = len(addresses) > 1
            await anyio.sleep(_LOOK_EVERY)

    async def _found(self, name: str, port: int) -> list[str]:
        try:
            return await self._resolve(name, port)
        except OSError:
            return []  # whether it can be reached is what its probe says


def _is_literal(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return False


def address_of(url: str) -> str:
    """The "host:port" of "http://host:port" (port 80 if there is none).

    Raises ValueError, saying what is wrong with the URL.
    """
    parts = urlsplit(url)
    if parts.scheme != "http":
        raise ValueError(f"{url!r} does not begin with http://")
    if not parts.hostname or parts.username is not None:
        raise ValueError(f"{url!r} does not name a host alone")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"{url!r} has more than a host and a port")
    try:
        port = parts.port or 80
    except ValueError as error:
        raise ValueError(f"{url!r} has no valid port") from error
    return host_and_port(parts.hostname, port)
