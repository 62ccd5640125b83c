"""Passes on what a source reports, and names the addresses that a backend has left. A backend is its identity:
another one at the same address knows nothing of the connections to the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.records.listed import BackendState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.core.records.listed import Listed
    from gateway.discovery.source import Reports


class Departures:
    """Reports on their way to the pool. `left` is told first: nobody is sent to an address in between."""

    def __init__(self, reports: Reports, left: Callable[[str], None]) -> None:
        self.start_failed = reports.start_failed
        self.start_succeeded = reports.start_succeeded
        self._reports = reports
        self._left = left
        self._addresses: dict[str, set[str]] = {}  # by identity, as last listed

    def replace_backends(self, listing: Iterable[Listed]) -> None:
        """Backends that are missing from the list, or are listed elsewhere, have left."""
        listing = list(listing)
        before, self._addresses = self._addresses, {backend.identity: _addresses_of(backend) for backend in listing}
        for identity, addresses in before.items():
            self._have_left(addresses - self._addresses.get(identity, set()))
        self._reports.replace_backends(listing)

    def set_state(self, identity: str, state: BackendState) -> None:
        """A backend that is gone has left."""
        if state is BackendState.GONE:
            self._have_left(self._addresses.get(identity, set()))
        self._reports.set_state(identity, state)

    def _have_left(self, addresses: set[str]) -> None:
        for address in sorted(addresses):
            self._left(address)


def _addresses_of(backend: Listed) -> set[str]:
    return {backend.address} | ({backend.direct_address} if backend.direct_address is not None else set())
