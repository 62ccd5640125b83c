"""The source without backends."""

from __future__ import annotations

import anyio
import pytest

from gateway.discovery.empty_source import EmptySource


@pytest.mark.anyio
async def test_it_runs_until_it_is_cancelled() -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(EmptySource().run)
        await anyio.wait_all_tasks_blocked()
        assert not tasks.cancel_scope.cancel_called
        tasks.cancel_scope.cancel()
