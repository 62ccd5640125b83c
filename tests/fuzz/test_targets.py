"""Each property of `make fuzz` holds for its seeds and for what chance makes of them, in every test run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.pieces import cut
from tests.fuzz.targets import TARGETS

EVERY = pytest.mark.parametrize("name", TARGETS)


@EVERY
def test_seeds(name: str) -> None:
    for seed in TARGETS[name].seeds:
        TARGETS[name].check(seed)


@EVERY
@given(data=st.data())
def test_seeds_with_a_piece_of_another_or_of_chance_in_them(name: str, data: st.DataObject) -> None:
    check, seeds = TARGETS[name]
    seed, other = data.draw(st.sampled_from(seeds)), data.draw(st.sampled_from(seeds) | st.binary(max_size=20))
    at, end = sorted(data.draw(st.tuples(*[st.integers(0, len(seed))] * 2)))
    start, stop = sorted(data.draw(st.tuples(*[st.integers(0, len(other))] * 2)))
    check(seed[:at] + other[start:stop] + seed[end:])


@EVERY
@given(st.binary(max_size=200))
def test_chance(name: str, data: bytes) -> None:
    TARGETS[name].check(data)


@pytest.mark.parametrize("choice", [0, 1, 3, 255])
def test_pieces_are_the_whole(choice: int) -> None:
    pieces = cut(bytes(range(200)), choice)
    assert b"".join(pieces) == bytes(range(200))
    assert all(pieces)
