"""What counts as one client address, and how an address and a port are written."""

from __future__ import annotations

import ipaddress

#: The network of clients that are counted in no network.
EVERYWHERE = ""


def host_and_port(host: str, port: int) -> str:
    """ "host:port" as URLs have it: an IPv6 address in brackets (RFC 3986 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


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
