"""Backends that the configuration names one by one. They are always listed; whether they are ready is probed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio

from gateway.core.records.listed import Listed
from gateway.core.records.networks import host_and_port
from gateway.discovery.watched_listing import WatchedListing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.discovery.source import Reports, Watch


class StaticBackends:
    """The backends at these URLs; each is known by its address. Raises ValueError as `address_of` does."""

    stale: str | None = None

    def __init__(self, urls: Iterable[str], reports: Reports, watch: Watch) -> None:
        self._listing = [Listed(address, address, address) for address in map(address_of, urls)]
        self._reports = reports
        self._watch = watch

    async def run(self) -> None:
        """List them and look after them, until cancelled."""
        async with anyio.create_task_group() as tasks:
            WatchedListing(tasks, self._reports, self._watch).replace(self._listing)
            await anyio.sleep_forever()


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
