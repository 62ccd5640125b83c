"""Waiting for a state of the real world, where no event tells of it: processes, files, sockets."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable


async def eventually(
    condition: Callable[[], object], *, within: float = 10.0, told: Callable[[], object] = lambda: ""
) -> None:
    """Return when `condition` holds. Fails after `within` seconds, with what `told` says, e.g. a child's log."""
    with anyio.move_on_after(within):
        while not condition():  # noqa: ASYNC110  (nobody could set an event)
            await anyio.sleep(0.02)
        return
    raise AssertionError(f"not within {within:g} s: {inspect.getsource(condition).strip()}\n{told()}")
