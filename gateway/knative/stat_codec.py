"""Encodes statistics as Knative's autoscaler reads them: values in, the bytes of one `WireStatMessages` out.

Protocol buffers, proto3, written by hand: three small messages do not pay for a library and its generated code. The
source is pkg/autoscaler/metrics/stat.proto of Knative Serving; zero fields are left out, as proto3 has it. Sends and
reads nothing.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Wire types: how long a field's value is.
_VARINT, _FIXED64, _LENGTH = 0, 1, 2

#: What an int64 holds.
_INT64_MAX = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Stat:
    """`Stat`: what one pod saw of one revision since it last said so. Requests, and seconds."""

    pod_name: str = ""
    average_concurrent_requests: float = 0.0
    average_proxied_concurrent_requests: float = 0.0  # the part that somebody else reports, too
    request_count: float = 0.0
    proxied_request_count: float = 0.0
    process_uptime: float = 0.0
    timestamp: int = 0  # seconds since 1970; 0: when it arrives, by the autoscaler's clock


@dataclass(frozen=True, slots=True)
class StatMessage:
    """`WireStatMessage`: a Stat and the revision that it is about."""

    namespace: str
    name: str  # the revision's
    stat: Stat


def encode(messages: Iterable[StatMessage]) -> bytes:
    """One `WireStatMessages`, the payload of one binary websocket frame.

    Raises ValueError for what the autoscaler would take without a word and reckon with, or drop: a figure that is not
    finite or below 0, a message without namespace or name, a text that is not Unicode, a timestamp out of range.
    """
    return b"".join(_delimited(1, _message(message)) for message in messages)


def _message(message: StatMessage) -> bytes:
    if not message.namespace or not message.name:
        raise ValueError(f"a revision has a namespace and a name: {message.namespace!r}, {message.name!r}")
    return b"".join(
        (
            _delimited(1, message.namespace.encode()),
            _delimited(2, message.name.encode()),
            _delimited(3, b"".join(_stat_fields(message.stat))),
        )
    )


def _stat_fields(stat: Stat) -> Iterator[bytes]:
    if stat.pod_name:
        yield _delimited(1, stat.pod_name.encode())
    yield _double(2, stat.average_concurrent_requests)
    yield _double(3, stat.average_proxied_concurrent_requests)
    yield _double(4, stat.request_count)
    yield _double(5, stat.proxied_request_count)
    yield _double(6, stat.process_uptime)
    if not 0 <= stat.timestamp <= _INT64_MAX:
        raise ValueError(f"not a timestamp: {stat.timestamp}")
    if stat.timestamp:
        yield _tag(7, _VARINT) + _varint(stat.timestamp)


def _double(field: int, value: float) -> bytes:
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"not a number of requests or seconds: {value}")
    return _tag(field, _FIXED64) + struct.pack("<d", value) if value else b""


def _delimited(field: int, value: bytes) -> bytes:
    return _tag(field, _LENGTH) + _varint(len(value)) + value


def _tag(field: int, wire_type: int) -> bytes:
    return _varint(field << 3 | wire_type)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that more follow."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
