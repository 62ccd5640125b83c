"""What the stand-in reads besides what the gateway writes: other encoders' habits, and what is none of it."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.knative.wire import Statistics, StatMessage, decode


def test_unknown_fields_are_skipped_and_the_last_of_several_counts() -> None:
    fixed32, varint = b"\x45\x01\x02\x03\x04", b"\x48\x96\x01"  # fields 8 and 9
    message = b"\x0a\x01x" + fixed32 + b"\x0a\x01n" + varint + b"\x12\x01r" + b"\x1a\x02\x38\x05"
    assert decode(bytes((0x0A, len(message))) + message) == [StatMessage("n", "r", Statistics(timestamp=5))]


def test_a_message_without_a_stat_says_so() -> None:
    assert decode(b"\x0a\x03\x0a\x01n") == [StatMessage("n")]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x0a\x05abc", "5 bytes announced"),
        (b"\x0a", "no end of the number"),
        (b"\xff" * 11, "no end of the number"),
        (b"\x0b", "wire type 3"),
        (b"\x08\x01", "a number where"),
        (b"\x0a\x03\x0a\x01\xff", "can't decode"),
    ],
)
def test_what_is_no_frame_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        decode(data)


@given(st.binary())
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        decode(data)
