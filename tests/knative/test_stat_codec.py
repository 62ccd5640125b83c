"""Statistics as bytes, beside what Knative's own encoder writes (wire_stats.json), and read back by the stand-in."""

from __future__ import annotations

import json
import math
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.knative.wire import decode
from gateway.knative.stat_codec import Stat, StatMessage, encode

VECTORS = json.loads((Path(__file__).parent / "wire_stats.json").read_text())

FIGURES = st.floats(min_value=0, allow_infinity=False).map(abs)  # no -0.0: it is 0
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
MESSAGES = st.builds(
    StatMessage,
    NAMES,
    NAMES,
    st.builds(Stat, NAMES | st.just(""), FIGURES, FIGURES, FIGURES, FIGURES, FIGURES, st.integers(0, (1 << 63) - 1)),
)


def message(fields: dict[str, Any]) -> StatMessage:
    """One of a vector's."""
    rest = {key: value for key, value in fields.items() if key not in ("namespace", "name")}
    return StatMessage(fields["namespace"], fields["name"], Stat(**rest))


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
def test_it_writes_what_knatives_encoder_writes(vector: dict[str, Any]) -> None:
    assert encode(message(fields) for fields in vector["messages"] or ()).hex() == vector["hex"]


@given(st.lists(MESSAGES, max_size=5))
def test_what_is_written_can_be_read(messages: list[StatMessage]) -> None:
    assert [astuple(told) for told in decode(encode(messages))] == [astuple(message) for message in messages]


@pytest.mark.parametrize("figure", [-1.0, math.inf, math.nan])
@pytest.mark.parametrize(
    "field",
    [
        "average_concurrent_requests",
        "average_proxied_concurrent_requests",
        "request_count",
        "proxied_request_count",
        "process_uptime",
    ],
)
def test_what_is_no_figure_is_refused(field: str, figure: float) -> None:
    with pytest.raises(ValueError, match="not a number of requests"):
        encode([StatMessage("default", "sd-00001", Stat(**{field: figure}))])  # type: ignore[arg-type]


@pytest.mark.parametrize("timestamp", [-1, 1 << 63])
def test_a_timestamp_out_of_range_is_refused(timestamp: int) -> None:
    with pytest.raises(ValueError, match="not a timestamp"):
        encode([StatMessage("default", "sd-00001", Stat(timestamp=timestamp))])


@pytest.mark.parametrize(("namespace", "name"), [("", "sd-00001"), ("default", ""), ("default", "\ud800")])
def test_a_message_about_nobody_is_refused(namespace: str, name: str) -> None:
    with pytest.raises(ValueError):
        encode([StatMessage(namespace, name, Stat())])


def test_minus_nothing_is_nothing() -> None:
    assert encode([StatMessage("n", "r", Stat(request_count=-0.0))]) == encode([StatMessage("n", "r", Stat())])
