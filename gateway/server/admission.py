"""Which connections are served: a bounded number in all and from one address. The others are told to come back later.

Counts connections and touches no socket. A rejected connection costs a descriptor, too, until its client has read the
answer: so the number of those that are told is bounded, and the others are ended at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.core.records.networks import EVERYWHERE
from gateway.server.refusals import ADDRESS_FULL, CONNECTIONS_FULL, Refusal

if TYPE_CHECKING:
    from gateway.server.limits import Limits


@dataclass(frozen=True, slots=True)
class AdmissionResult:
    """Whether one connection is served, and where it was counted."""

    network: str
    refusal: Refusal | None = None  # None: the connection is served
    is_told: bool = True  # its client is answered with the refusal


class Admission:
    """Counts the connections that are open."""

    def __init__(self) -> None:
        self._served = 0
        self._rejected = 0
        self._of: dict[str, int] = {}  # served, by network

    def enter(self, network: str, limits: Limits) -> AdmissionResult:
        """Decides and counts in one step. The result is handed to `leave` when the connection ends, whatever it is."""
        refusal = self._refusal(network, limits)
        if refusal is not None:
            self._rejected += 1
            return AdmissionResult(network, refusal, is_told=self._rejected <= limits.rejected)
        self._served += 1
        if network != EVERYWHERE:
            self._of[network] = self._of.get(network, 0) + 1
        return AdmissionResult(network)

    def leave(self, result: AdmissionResult) -> None:
        """The connection has ended."""
        if result.refusal is not None:
            self._rejected -= 1
            return
        self._served -= 1
        if result.network != EVERYWHERE:
            self._of[result.network] -= 1
            if not self._of[result.network]:
                del self._of[result.network]

    def _refusal(self, network: str, limits: Limits) -> Refusal | None:
        if self._served >= limits.connections:
            return CONNECTIONS_FULL
        if self._of.get(network, 0) >= limits.connections_per_address:
            return ADDRESS_FULL
        return None
