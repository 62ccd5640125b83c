"""Bounds on connections and request heads: in bytes, seconds and numbers."""

from __future__ import annotations

from dataclasses import dataclass

#: Descriptors kept for other things than clients: both ports, operators, probes, logs of pods, files of bodies.
_RESERVE = 64

#: Connections of the operators' port at most: the page's 32 viewers, and as many who scrape, probe and order.
_OPERATORS = 64


@dataclass(frozen=True, slots=True)
class Linger:
    """How long input is discarded after an early answer. A client that is still sending when the connection closes gets
    a reset, and many never see the answer: Node and Python's http.client with the second megabyte."""

    idle: float  # seconds without a byte
    total: float  # seconds
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of connections. The size and the speed of bodies are bounded by the application."""

    connections: int = 1000  # served at a time: over it 503
    connections_per_address: int = 500  # of these; of IPv6 a /64 counts as one, and trusted proxies are exempt
    rejected: int = 100  # connections over these bounds that are answered 503 at a time; the others end unanswered
    target: int = 8 * 1024  # of the request target: over it 414
    header_bytes: int = 32 * 1024  # of all field lines, with their line ends: over it 431
    header_fields: int = 100  # over it 431
    chunk_extras: int = 8 * 1024  # of a body's chunk extensions and trailers together; they are dropped
    ahead: int = 64 * 1024  # of body not yet asked for, or of requests behind the one at work: over it reading pauses
    small: int = 256  # bytes of body below which a read brings little: it costs as much as one of 64 KiB ...
    small_reads: int = 64  # ... and behind so many of them in one body ...
    rest: float = 0.02  # ... seconds in which nothing is read, so that more comes together
    header_timeout: float = 10.0  # from the first byte of a head (or from the accept) to its last: over it 408
    idle_timeout: float = 75.0  # between requests; longer than the 60 s at which load balancers drop theirs
    linger: Linger = Linger(idle=5.0, total=30.0, size=256 << 20)
    lingering: int = 64  # connections that linger so at a time; the others, and rejected ones, do so shortly
    linger_shortly: Linger = Linger(idle=2.0, total=2.0, size=1 << 20)
    flush_timeout: float = 60.0  # for the client to take what is still unsent when the connection closes
    settle_timeout: float = 1.0  # for the first byte of a connection accepted just before the listener closed


def connections_within(descriptors: int) -> int:
    """How many connections may be served so that there are always descriptors left: each may need another one to a
    backend, and a fifth remains for those that are turned away and for files."""
    return max(1, (descriptors - _RESERVE) * 4 // 10)


def operators_limits(descriptors: int) -> Limits:
    """The bounds of the operators' port: few connections, of which one address leaves some to the others, and an eighth
    of the descriptors at most."""
    connections = max(8, min(_OPERATORS, descriptors // 8))
    return Limits(
        connections=connections,
        connections_per_address=connections * 3 // 4,
        rejected=connections // 8,
        header_timeout=5.0,
        idle_timeout=10.0,
    )
