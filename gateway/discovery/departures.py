"""Passes on what a source reports, and says at which addresses somebody has left. A backend is its identity: whoever is
listed at the same address afterwards is somebody else, who knows nothing of the connections to the one before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.backend import BackendState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.core.backend import Listed
    from gateway.discovery.source import Reports


class Departures:
    """Reports on their way to the pool. `left` is told first: nobody is sent to an address in between."""

    def __init__(self, reports: Reports, left: Callable[[str], None]) -> None:
        self.start_failed = reports.start_failed
        self.start_succeeded = reports.start_succeeded
        self._reports = reports
        self._left = left
        self._addresses: dict[str, str] = {}  # by identity, as last listed

    def replace_backends(self, listing: Iterable[Listed]) -> None:
        """Whoever is not in it any more, or is elsewhere, has left."""
        listing = list(listing)
        before, self._addresses = self._addresses, {backend.identity: backend.address for backend in listing}
        for identity, address in before.items():
            if self._addresses.get(identity) != address:
                self._left(address)
        self._reports.replace_backends(listing)

    def set_state(self, identity: str, state: BackendState) -> None:
        """Whoever is gone has left."""
        if state is BackendState.GONE and identity in self._addresses:
            self._left(self._addresses[identity])
        self._reports.set_state(identity, state)
