"""A part of a task that ends early, and what comes after it goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest

from gateway.proxy.cancel_scope import CancelScope, CancelScopes
from tests.doubles.virtual_time import settled, virtual_time_of_asyncio

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


async def until(part: CancelScope) -> float:
    """When it ended, with something awaited behind it that must not be hit."""
    async with part:
        await anyio.sleep(100)
    ended = anyio.current_time()
    await anyio.sleep(1)
    return ended


async def test_it_ends_at_its_deadline() -> None:
    part = CancelScope(CancelScopes(), 3.0)
    assert (await until(part), part.happened) == (3.0, True)


@pytest.mark.parametrize(
    ("at", "moved", "ends"),
    [(3.0, 5.0, 5.0), (3.0, 35.0, 35.0), (55.0, 55.0, 55.0), (30.0, 5.0, 5.0), (3.0, 200.0, 100.0)],
)
async def test_its_deadline_moves(at: float, moved: float, ends: float) -> None:
    part = CancelScope(CancelScopes(), at)
    task = asyncio.create_task(until(part))
    await anyio.sleep(2)
    part.deadline = moved
    assert (await task, part.happened) == (ends, ends != 100.0)


async def test_it_is_ended_from_outside() -> None:
    part = CancelScope(CancelScopes())
    task = asyncio.create_task(until(part))
    await anyio.sleep(2)
    part.interrupt()
    part.interrupt()
    assert (await task, part.happened) == (2.0, True)


async def test_it_may_be_ended_before_it_begins() -> None:
    part = CancelScope(CancelScopes())
    part.interrupt()
    assert (await until(part), part.happened) == (0.0, True)


async def test_what_is_done_before_it_hears_is_done() -> None:
    part = CancelScope(CancelScopes())
    async with part:
        part.interrupt()
    await anyio.sleep(1)  # not hit by what was meant for the part
    assert not part.happened


async def test_an_error_goes_its_way() -> None:
    part = CancelScope(CancelScopes())
    with pytest.raises(KeyError):
        async with part:
            part.interrupt()
            raise KeyError
    await anyio.sleep(1)


async def test_a_task_that_is_cancelled_as_well_ends() -> None:
    part = CancelScope(CancelScopes())
    task = asyncio.create_task(until(part))
    await settled()
    part.interrupt()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_afterwards_nothing_is_ended() -> None:
    part = CancelScope(CancelScopes(), 1.0)
    async with part:
        pass
    part.interrupt()
    await anyio.sleep(2)
    assert not part.happened
