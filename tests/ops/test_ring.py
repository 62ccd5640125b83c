"""The last so many, and what of them is new."""

from __future__ import annotations

import pytest

from gateway.ops.ring import Ring


@pytest.mark.parametrize(
    ("first", "last", "most", "told"),
    [
        (0, 9, None, [5, 6, 7, 8]),
        (7, 9, None, [7, 8]),
        (9, 9, None, []),
        (0, 7, None, [5, 6]),
        (5, 8, 2, [6, 7]),
        (9, 3, None, []),
    ],
)
def test_nine_were_put_into_a_ring_of_four(first: int, last: int, most: int | None, told: list[int]) -> None:
    ring: Ring[int] = Ring(4)
    for number in range(9):
        ring.put(number)

    assert ring.count == 9
    assert ring.between(first, last, most) == told
