"""Reads the PROXY header with which a load balancer that passes bytes on says whose they are (HAProxy's
`proxy-protocol.txt`, versions 1 and 2). Pure.

Whether there is one must be known beforehand: who could choose would be whoever they like.
"""

from __future__ import annotations

import ipaddress
import re
import struct

from gateway.server.openings import PROXY_V1, PROXY_V2
from gateway.server.refusals import BAD_PROXY_HEADER, NO_PROXY_HEADER, Refused

#: Bytes of the longest line of version 1, and of what a header of version 2 may bring besides addresses.
_LONGEST_LINE, _LONGEST_REST = 107, 4096

_LINE = re.compile(rb"PROXY TCP[46] ([0-9A-Fa-f.:]+) [0-9A-Fa-f.:]+ ([0-9]{1,5}) [0-9]{1,5}")

#: Of version 2: where it begins, how it goes on (version and command, family and protocol, length of the rest).
_FIXED = struct.Struct("!12sBBH")
_LOCAL, _PROXY = 0x20, 0x21

#: By family and protocol: source and destination, and their ports.
_ADDRESSES = {0x11: struct.Struct("!4s4sHH"), 0x21: struct.Struct("!16s16sHH")}

Source = tuple[str, int]


class ProxyHeaderReader:
    """Reads one connection's header. Not to be fed again after it, or after `Refused`."""

    def __init__(self) -> None:
        self._raw = b""

    def feed(self, data: bytes) -> tuple[Source | None, bytes] | None:
        """Address and port of the client (None: the sender speaks for itself), and the bytes behind the header. None:
        more is needed. Raises `Refused`."""
        raw = self._raw = self._raw + data
        if raw.startswith(PROXY_V1[: len(raw)]):
            return _line(raw)
        if raw.startswith(PROXY_V2[: len(raw)]):
            return _binary(raw)
        raise Refused(NO_PROXY_HEADER)


def _line(raw: bytes) -> tuple[Source | None, bytes] | None:
    line, end, behind = raw.partition(b"\r\n")
    if len(line) + 2 > _LONGEST_LINE:
        raise Refused(BAD_PROXY_HEADER)
    if not end:
        return None
    if line.startswith(b"PROXY UNKNOWN"):
        return None, behind
    found = _LINE.fullmatch(line)
    try:
        address = ipaddress.ip_address(found[1].decode()) if found is not None else None
    except ValueError:
        address = None
    if found is None or address is None:
        raise Refused(BAD_PROXY_HEADER)
    return (_shown(address), int(found[2])), behind


def _binary(raw: bytes) -> tuple[Source | None, bytes] | None:
    if len(raw) < _FIXED.size:
        return None
    _, command, family, length = _FIXED.unpack_from(raw)
    if command not in (_LOCAL, _PROXY) or length > _LONGEST_REST:
        raise Refused(BAD_PROXY_HEADER)
    end = _FIXED.size + length
    if len(raw) < end:
        return None
    addresses = _ADDRESSES.get(family) if command == _PROXY else None
    if addresses is None:  # a health check of its own, or of a family that a TCP port never sees
        return None, raw[end:]
    if length < addresses.size:
        raise Refused(BAD_PROXY_HEADER)
    source, _, port, _ = addresses.unpack_from(raw, _FIXED.size)
    return (_shown(ipaddress.ip_address(source)), port), raw[end:]


def _shown(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """An IPv4 client of a balancer that listens on both families is one of IPv4 here, too."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
