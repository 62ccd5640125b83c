"""The origin of a request behind other proxies: client, host and scheme, and the headers that tell the next hop.

What a peer says of that counts only if the peer is trusted. Chains are read from the right: each trusted hop vouches
for the address it wrote down, and the first address that is not trusted is the client. What stands further left
anybody may have made up.
"""

from __future__ import annotations

import ipaddress
import string
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Header = tuple[bytes, bytes]

#: Addresses remembered: one costs microseconds to parse, and they come again and again.
_REMEMBERED = 4096
#: Of hosts, which clients choose: longer ones are not remembered.
_REMEMBERED_LENGTH = 256
#: Of an address with brackets and port.
_LONGEST_ADDRESS = 64

_TELLING = frozenset(
    (
        b"host",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-port",
        b"x-forwarded-proto",
        b"forwarded",
        b"k-original-host",
        b"x-request-id",
    )
)
_SCHEMES = {b"http": "http", b"https": "https", b"ws": "http", b"wss": "https"}
_ALNUM = (string.ascii_letters + string.digits).encode()
_HOST_BYTES = _ALNUM + b"-._:[]"
_TOKEN_BYTES = _ALNUM + b"-._"  # of RFC 9110's token what a host or an IPv4 address can have
_REQUEST_ID_BYTES = _ALNUM + b"._-"
_REQUEST_ID_LENGTH = 128


class Origin(NamedTuple):
    """A request's origin, as far as it can be believed."""

    peer: str  # the other end of our connection; "unknown" if it has no address
    client: str  # who asked
    scheme: str  # http or https, by which they asked
    host: bytes  # for which host they asked: what routing looks at
    received_host: bytes  # the Host header as it came, b"" without one
    trusted: bool  # the peer's word counts
    request_id: bytes | None = None  # given by a trusted peer
    hops: bytes = b""  # the X-Forwarded-For of a trusted peer
    forwarded: bytes = b""  # its Forwarded, if it told no X-Forwarded-*
    port: bytes = b""  # by a trusted peer's X-Forwarded-Port: to which they connected
    is_proxy: bool = False  # `client` is a trusted proxy, and did not say who is behind it

    def told_to_next_hop(self) -> list[Header]:
        """`X-Forwarded-*` and `Forwarded` for the backend: what is believed, with this hop appended once."""
        return self._tell() if self.trusted or len(self.host) > _REMEMBERED_LENGTH else _told_of_stranger(self)

    def _tell(self) -> list[Header]:
        peer = self.peer.encode("latin-1", "replace")
        told = [
            (b"x-forwarded-for", self.hops + b", " + peer if self.hops else peer),
            (b"x-forwarded-proto", self.scheme.encode()),
            (b"forwarded", self._forwarded_for(peer)),
        ]
        if self.host:
            told.append((b"x-forwarded-host", self.host))
        return told

    def _forwarded_for(self, peer: bytes) -> bytes:
        """Their elements and ours; made from the hops where there are none, as Knative's queue-proxy does."""
        if self.forwarded:
            return self.forwarded + b", for=" + _node(peer)
        first, *others = [*_addresses(self.hops), peer] if self.hops else [peer]
        host = b";host=" + _quoted(self.host) if self.host else b""
        element = b"for=%b%b;proto=%b" % (_node(first), host, self.scheme.encode())
        return b", for=".join([element, *map(_node, others)])


class TrustedProxies:
    """The networks whose word on a request's origin counts."""

    def __init__(self, networks: Iterable[str], *, knative: bool = False) -> None:
        """`networks`: CIDRs or addresses. ValueError if one is neither. `knative`: Knative's ingress is among them. It
        alone says K-Original-Host: what others pass on of it, a client wrote."""
        self._knative = knative
        self._networks = [ipaddress.ip_network(network, strict=False) for network in networks]
        self._known: dict[str, bool] = {}

    def trusts(self, address: str) -> bool:
        """Whether `address` lies in one of the networks; never for what is no address."""
        if not self._networks:
            return False
        known = self._known.get(address)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[address] = self._contains(address)
        return known

    def origin(self, headers: Iterable[Header], peer: str, scheme: str) -> Origin:
        """Where a request came from. `peer` and `scheme` are those of our own connection; names are lower-case."""
        if not self.trusts(peer):
            host = _first(b"host", headers)
            return Origin(peer, peer, scheme, host, host, trusted=False)
        told = _told(headers)
        # Many proxies write X-Forwarded-* and pass the client's own Forwarded on: it counts only where it stands alone.
        stands_alone = not any(name.startswith(b"x-forwarded-") for name in told)
        forwarded = told.get(b"forwarded", b"") if stands_alone else b""
        hops = told.get(b"x-forwarded-for") or b", ".join(_parameters(forwarded, b"for"))
        client = self._client(hops, peer)
        host = told.get(b"host", b"")
        return Origin(
            peer,
            client,
            _scheme(told.get(b"x-forwarded-proto", b""), forwarded) or scheme,
            self._host(told, forwarded) or host,
            host,
            trusted=True,
            request_id=_request_id(told),
            hops=hops,
            forwarded=forwarded,
            port=told.get(b"x-forwarded-port", b"").partition(b",")[0].strip(),
            is_proxy=self.trusts(client),
        )

    def _client(self, hops: bytes, peer: str) -> str:
        client = peer
        for entry in reversed(hops.split(b",")):
            if not entry.strip():
                continue
            address = _address(entry)
            if address is None:  # "unknown", or nonsense: the hop before it is the last we know
                break
            client = address
            if not self.trusts(client):
                break
        return client

    def _host(self, told: dict[bytes, bytes], forwarded: bytes) -> bytes | None:
        """Knative's ingress rewrites Host and keeps the one asked for in K-Original-Host, so that goes first."""
        for said in (
            told.get(b"k-original-host") if self._knative else None,
            told.get(b"x-forwarded-host"),
            next(_parameters(forwarded, b"host"), None),
        ):
            host = (said or b"").partition(b",")[0].strip()
            if host and not host.translate(None, _HOST_BYTES):
                return host
        return None

    def _contains(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped  # an IPv4 peer of a dual-stack listener
        return any(address in network for network in self._networks)


def _first(wanted: bytes, headers: Iterable[Header]) -> bytes:
    for name, value in headers:
        if name == wanted:
            return value
    return b""


def _told(headers: Iterable[Header]) -> dict[bytes, bytes]:
    """The telling headers; several of one name are one list."""
    told: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _TELLING:
            told[name] = told[name] + b", " + value if name in told else value
    return told


def _scheme(proto: bytes, forwarded: bytes) -> str | None:
    """The first of a list: proxies that append put the client's own in front."""
    first = proto.partition(b",")[0] or next(_parameters(forwarded, b"proto"), b"")
    return _SCHEMES.get(first.strip().lower())


def _request_id(told: dict[bytes, bytes]) -> bytes | None:
    said = told.get(b"x-request-id", b"")
    sane = 0 < len(said) <= _REQUEST_ID_LENGTH and not said.translate(None, _REQUEST_ID_BYTES)
    return said if sane else None


def _parameters(forwarded: bytes, name: bytes) -> Iterator[bytes]:
    """Values of `name` in the elements of a Forwarded header.

    Quotes do not protect commas here. Elements that trusted hops wrote have none in them, so the right end, which is
    the end that counts, is cut correctly whatever a client wrote further left.
    """
    for element in forwarded.split(b","):
        for pair in element.split(b";"):
            key, _, value = pair.partition(b"=")
            if key.strip().lower() == name:
                yield value.strip().strip(b'"')


def _addresses(hops: bytes) -> Iterator[bytes]:
    for entry in hops.split(b","):
        if entry.strip():
            yield (_address(entry) or "unknown").encode()


@lru_cache(_REMEMBERED)
def _told_of_stranger(origin: Origin) -> list[Header]:
    """Said of each request of one client to one host, so it is not to be changed."""
    return origin._tell()


def _address(entry: bytes) -> str | None:
    """`1.2.3.4`, `1.2.3.4:80`, `2001:db8::1` or `[2001:db8::1]:80` -> the address; None: it is none of these, or has
    a zone (`fe80::1%eth0`), which means something to one host alone, and may have any bytes."""
    entry = entry.strip()
    return _parsed(entry) if len(entry) <= _LONGEST_ADDRESS and b"%" not in entry else None


@lru_cache(_REMEMBERED)
def _parsed(entry: bytes) -> str | None:
    text = entry.decode("latin-1")
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _node(address: bytes) -> bytes:
    """An address as RFC 7239 wants it."""
    return b'"[%b]"' % address if b":" in address else address


def _quoted(value: bytes) -> bytes:
    """As a token where it can be one."""
    if not value.translate(None, _TOKEN_BYTES):
        return value
    return b'"%b"' % value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
