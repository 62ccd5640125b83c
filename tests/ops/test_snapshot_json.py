"""A snapshot is written down in pieces, and comes out whole."""

from __future__ import annotations

import json

import anyio
import pytest

from gateway.ops.plain_json import plain
from gateway.ops.snapshot_json import BACKENDS, in_pieces
from tests.doubles.views import backend_view, pool_view

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("count", [0, 1, BACKENDS, BACKENDS + 1, 3 * BACKENDS])
async def test_it_is_the_same_however_many_there_are(count: int) -> None:
    pods = tuple(backend_view(f"gpu-{number}", idle=float("inf")) for number in range(count))
    views = [pool_view("sd", backends=pods), pool_view("other")]
    beside: dict[str, dict[str, object]] = {
        "sd": {"autoscaler": None, "stale": ["cannot list"]},
        "other": {"autoscaler": {"desired": 2}},
    }
    told = json.loads(b"".join([piece async for piece in in_pieces(views, beside)]))

    assert told == {"pools": [{**plain(view), **beside[view.name]} for view in views]}


async def test_no_pool_is_no_pool() -> None:
    assert b"".join([piece async for piece in in_pieces([], {})]) == b'{"pools":[]}'


async def test_others_have_their_turn_meanwhile() -> None:
    view = pool_view("sd", backends=tuple(backend_view(f"gpu-{number}") for number in range(3 * BACKENDS)))
    turns, done = 0, False

    async def somebody_else() -> None:
        nonlocal turns
        while not done:
            turns += 1
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(somebody_else)
        pieces = [piece async for piece in in_pieces([view], {"sd": {}})]
        done = True
    assert len(pieces) > 3
    assert turns > 3
