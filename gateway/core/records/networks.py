"""What counts as one client address."""

from __future__ import annotations

import ipaddress

#: The network of clients that are counted in no network.
EVERYWHERE = ""


def network_of(address: str) -> str:
    """What counts as one address: of IPv6 the /64, which one client may have whole. `EVERYWHERE` for no address."""
    if ":" not in address:
        return address
    try:
        ip = ipaddress.IPv6Address(address)
    except ValueError:
        return EVERYWHERE
    if ip.ipv4_mapped is not None:  # an IPv4 client of a dual-stack listener
        return str(ip.ipv4_mapped)
    return f"{int(ip) >> 64:x}/64"
