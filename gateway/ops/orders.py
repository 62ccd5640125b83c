"""Carries out an operator's orders on the pools that they concern."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.core.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.core.records.backends_and_tickets import Backend
    from gateway.runtime.driver import Driver


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders. A backend is named by its id or its name, a request by its id. Each order returns the names of the
    pools in which it changed something."""

    drivers: Callable[[], Iterable[Driver]]

    def drain(self, backend: str) -> list[str]:
        """The backend gets no new requests until `undrain`."""
        return self._on(backend, lambda pool, b: not b.held, lambda driver, identity: driver.drain(identity))

    def undrain(self, backend: str) -> list[str]:
        """The backend gets requests again."""
        return self._on(backend, lambda pool, b: b.held, lambda driver, identity: driver.undrain(identity))

    def release(self, backend: str) -> list[str]:
        """The backend's quarantined slots are free, and it is ejected no longer."""
        return self._on(backend, Pool.may_be_released, lambda driver, identity: driver.release(identity))

    def expel(self, request: str) -> list[str]:
        """The waiting request with this id leaves the line."""
        pools = []
        for driver in self.drivers():
            before = driver.pool.wanted
            driver.expel(request)
            if driver.pool.wanted < before:
                pools.append(driver.pool.name)
        return pools

    def _on(
        self, backend: str, applies: Callable[[Pool, Backend], bool], order: Callable[[Driver, str], None]
    ) -> list[str]:
        pools = []
        for driver in self.drivers():
            of_pool = driver.pool.backends.values()
            found = [b.identity for b in of_pool if backend in (b.identity, b.name) and applies(driver.pool, b)]
            for identity in found:
                order(driver, identity)
            if found:
                pools.append(driver.pool.name)
        return pools
