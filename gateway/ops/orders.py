"""What an operator may order, carried out on the pools that have to do with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.core.records.backends_and_tickets import Backend
    from gateway.runtime.driver import Driver


@dataclass(frozen=True, slots=True)
class Orders:
    """Backends go by their id or their name, requests by their id. Each order answers with the names of the pools in
    which it changed something."""

    drivers: Callable[[], Iterable[Driver]]

    def drain(self, backend: str) -> list[str]:
        """No new requests there, until `undrain`."""
        return self._on(backend, lambda b: not b.held, lambda driver, identity: driver.drain(identity))

    def undrain(self, backend: str) -> list[str]:
        """A drain is over."""
        return self._on(backend, lambda b: b.held, lambda driver, identity: driver.undrain(identity))

    def release(self, backend: str) -> list[str]:
        """Its quarantined slots are free."""
        return self._on(backend, lambda b: bool(b.quarantines), lambda driver, identity: driver.release(identity))

    def expel(self, request: str) -> list[str]:
        """Who waits under this id leaves the line."""
        pools = []
        for driver in self.drivers():
            before = driver.pool.wanted
            driver.expel(request)
            if driver.pool.wanted < before:
                pools.append(driver.pool.name)
        return pools

    def _on(self, backend: str, applies: Callable[[Backend], bool], order: Callable[[Driver, str], None]) -> list[str]:
        pools = []
        for driver in self.drivers():
            of_pool = driver.pool.backends.values()
            found = [b.identity for b in of_pool if backend in (b.identity, b.name) and applies(b)]
            for identity in found:
                order(driver, identity)
            if found:
                pools.append(driver.pool.name)
        return pools
