"""Which connections are served: so many in all, and so many of one address. The others are to come back later.

It counts, and touches no socket. One that is not served costs a descriptor, too, until its client has heard why: so
there is a bound on those that hear, and beyond it nobody does.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.server.refusals import ADDRESS_FULL, CONNECTIONS_FULL, Refusal

if TYPE_CHECKING:
    from gateway.server.limits import Limits

#: Whose connections are counted in no network.
EVERYWHERE = ""


@dataclass(frozen=True, slots=True)
class Guest:
    """One connection, as it was counted."""

    network: str
    refusal: Refusal | None = None  # None: it is served
    hears: bool = True  # it is told so


class Admission:
    """Counts who is in."""

    def __init__(self) -> None:
        self._served = 0
        self._turned_away = 0
        self._of: dict[str, int] = {}  # served, by network

    def enter(self, network: str, limits: Limits) -> Guest:
        """Decides, and counts at once. Whatever is decided, the guest is handed to `leave` when its connection ends."""
        refusal = self._refusal(network, limits)
        if refusal is not None:
            self._turned_away += 1
            return Guest(network, refusal, hears=self._turned_away <= limits.turned_away)
        self._served += 1
        if network != EVERYWHERE:
            self._of[network] = self._of.get(network, 0) + 1
        return Guest(network)

    def leave(self, guest: Guest) -> None:
        """Its descriptor is free."""
        if guest.refusal is not None:
            self._turned_away -= 1
            return
        self._served -= 1
        if guest.network != EVERYWHERE:
            self._of[guest.network] -= 1
            if not self._of[guest.network]:
                del self._of[guest.network]

    def _refusal(self, network: str, limits: Limits) -> Refusal | None:
        if self._served >= limits.connections:
            return CONNECTIONS_FULL
        if self._of.get(network, 0) >= limits.connections_per_address:
            return ADDRESS_FULL
        return None


def network_of(address: str) -> str:
    """What counts as one address: of IPv6 the /64, all of which one client may have. `EVERYWHERE` for what is none."""
    if ":" not in address:
        return address
    try:
        ip = ipaddress.IPv6Address(address)
    except ValueError:
        return EVERYWHERE
    if ip.ipv4_mapped is not None:  # an IPv4 client of a dual-stack listener
        return str(ip.ipv4_mapped)
    return f"{int(ip) >> 64:x}/64"
