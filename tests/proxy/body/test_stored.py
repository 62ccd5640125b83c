"""A body is sent as it came, as often as asked, from memory or from its file."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.proxy.body.stored import NO_BODY, Body

pytestmark = pytest.mark.anyio


async def test_it_stays_in_memory_up_to_its_size() -> None:
    body = Body(memory=4)
    await body.append(b"12")
    await body.append(b"34")
    await body.complete()
    assert body.stream() == body.stream() == b"1234"
    assert body.length == 4
    body.close()


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 300_000), min_size=1, max_size=8))
async def test_any_pieces_come_out_as_one_body_every_time(sizes: list[int]) -> None:
    pieces = [bytes([number]) * size for number, size in enumerate(sizes)]
    body = Body(memory=1000)
    for piece in pieces:
        await body.append(piece)
    await body.complete()
    for _ in range(2):
        stream = body.stream()
        assert stream is not None
        sent = stream if isinstance(stream, bytes) else b"".join([piece async for piece in stream])
        assert sent == b"".join(pieces)
    body.close()
    body.close()


@pytest.mark.parametrize("memory", [0, 1 << 20])
async def test_its_beginning_can_be_looked_at_wherever_it_is(memory: int) -> None:
    body = Body(memory=memory)
    await body.append(b"x" * 300_000)
    await body.append(b"y" * 300_000)
    await body.complete()
    assert await body.beginning(300_001) == b"x" * 300_000 + b"y"
    assert len(await body.beginning(1 << 30)) == 600_000
    body.close()


async def test_two_readings_do_not_disturb_each_other() -> None:
    body = Body(memory=0)
    await body.append(b"x" * 300_000 + b"y" * 300_000)
    await body.complete()
    one, two = body.stream(), body.stream()
    assert one is not None
    assert two is not None
    assert not isinstance(one, bytes)
    assert not isinstance(two, bytes)
    assert [await anext(one), await anext(two)] == [b"x" * 262_144] * 2
    body.close()


async def test_no_body_can_be_closed_as_often_as_there_are_requests() -> None:
    NO_BODY.close()
    NO_BODY.close()
    assert (NO_BODY.stream(), await NO_BODY.beginning(1)) == (None, b"")
