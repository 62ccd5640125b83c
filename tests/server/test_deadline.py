"""A deadline on the loop's own clock."""

from __future__ import annotations

import asyncio

import pytest

from gateway.server.deadline import Deadline
from tests.doubles.eventually import eventually

pytestmark = pytest.mark.anyio

FAR = 3600.0


async def test_it_passes_once() -> None:
    passed: list[str] = []
    deadline = Deadline(asyncio.get_running_loop(), lambda: passed.append("x"))
    deadline.set(0.001)
    await eventually(lambda: passed)
    assert passed == ["x"]
    deadline.close()


async def test_it_can_be_brought_forward() -> None:
    passed: list[str] = []
    deadline = Deadline(asyncio.get_running_loop(), lambda: passed.append("x"))
    deadline.set(FAR)
    deadline.set(0.001)
    await eventually(lambda: passed)
    deadline.close()


async def test_it_can_be_put_off_and_cleared() -> None:
    passed: list[str] = []
    deadline = Deadline(asyncio.get_running_loop(), lambda: passed.append("put off"))
    cleared = Deadline(asyncio.get_running_loop(), lambda: passed.append("cleared"))
    later = Deadline(asyncio.get_running_loop(), lambda: passed.append("later"))
    deadline.set(0.001)
    deadline.set(FAR)
    cleared.set(0.001)
    cleared.clear()
    later.set(0.005)
    await eventually(lambda: passed)
    assert passed == ["later"]
    deadline.close()


async def test_once_put_off_it_still_passes() -> None:
    passed: list[str] = []
    deadline = Deadline(asyncio.get_running_loop(), lambda: passed.append("x"))
    deadline.set(0.001)
    deadline.set(0.01)
    await eventually(lambda: passed)
    deadline.close()


async def test_closed_it_never_passes() -> None:
    passed: list[str] = []
    deadline = Deadline(asyncio.get_running_loop(), lambda: passed.append("closed"))
    later = Deadline(asyncio.get_running_loop(), lambda: passed.append("later"))
    deadline.set(0.001)
    deadline.close()
    later.set(0.005)
    await eventually(lambda: passed)
    assert passed == ["later"]
