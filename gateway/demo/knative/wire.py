"""What the stand-in of the autoscaler reads: the bytes of one `WireStatMessages` in, plain values out.

Protocol buffers, proto3 (pkg/autoscaler/metrics/stat.proto of Knative Serving). It reads what any encoder may write:
fields in any order, the last of several counts, unknown ones are skipped.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Value = int | float | bytes

#: The most bytes of a varint: 64 bits, seven a byte.
_LONGEST_VARINT = 10

_STAT_FIELDS = {
    1: "pod_name",
    2: "average_concurrent_requests",
    3: "average_proxied_concurrent_requests",
    4: "request_count",
    5: "proxied_request_count",
    6: "process_uptime",
    7: "timestamp",
}


@dataclass(frozen=True, slots=True)
class Statistics:
    """`Stat`."""

    pod_name: str = ""
    average_concurrent_requests: float = 0.0
    average_proxied_concurrent_requests: float = 0.0
    request_count: float = 0.0
    proxied_request_count: float = 0.0
    process_uptime: float = 0.0
    timestamp: int = 0


@dataclass(frozen=True, slots=True)
class StatMessage:
    """`WireStatMessage`."""

    namespace: str = ""
    name: str = ""
    stat: Statistics | None = None  # None: the message has none, and Knative skips it


def decode(data: bytes) -> list[StatMessage]:
    """Every message of a frame. Raises ValueError if it is not one."""
    return [_stat_message(_bytes(value)) for field, value in _fields(data) if field == 1]


def _stat_message(data: bytes) -> StatMessage:
    message = StatMessage()
    for field, value in _fields(data):
        match field:
            case 1:
                message = replace(message, namespace=_bytes(value).decode())
            case 2:
                message = replace(message, name=_bytes(value).decode())
            case 3:
                message = replace(message, stat=_statistics(_bytes(value)))
    return message


def _statistics(data: bytes) -> Statistics:
    fields: dict[str, str | float | int] = {}
    for field, value in _fields(data):
        if name := _STAT_FIELDS.get(field):
            fields[name] = value.decode() if isinstance(value, bytes) else value
    return Statistics(**fields)  # type: ignore[arg-type]  # by the table, whose types the wire type implies


def _fields(data: bytes) -> Iterator[tuple[int, Value]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        value, at = _value(tag & 7, data, at)
        yield tag >> 3, value


def _value(wire_type: int, data: bytes, at: int) -> tuple[Value, int]:
    match wire_type:
        case 0:
            return _varint(data, at)
        case 1:
            (number,) = struct.unpack("<d", _cut(data, at, 8))
            return float(number), at + 8
        case 2:
            length, at = _varint(data, at)
            return _cut(data, at, length), at + length
        case 5:
            return _cut(data, at, 4), at + 4
    raise ValueError(f"wire type {wire_type} at byte {at}")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(data[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, at + index + 1
    raise ValueError(f"no end of the number at byte {at}")


def _cut(data: bytes, at: int, length: int) -> bytes:
    if at + length > len(data):
        raise ValueError(f"{length} bytes announced at byte {at}, {len(data) - at} there")
    return data[at : at + length]


def _bytes(value: Value) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError(f"a number where a text or a message should be: {value}")
    return value
