"""The list of a pool's backends, with one watch running for each: begun when it appears, ended when it leaves, begun
anew when it is listed at another address.

For sources whose backends come and go by themselves; what is ready is what the watch says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from gateway.core.records.listed import BackendState, Listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anyio.abc import TaskGroup

    from gateway.discovery.source import Reports, Watch


class WatchedListing:
    """Runs its watches in a task group that the source opens and closes."""

    def __init__(self, tasks: TaskGroup, reports: Reports, watch: Watch) -> None:
        self._tasks = tasks
        self._reports = reports
        self._watch = watch
        self._watches: dict[tuple[str, str], anyio.CancelScope] = {}  # by identity and address

    def replace(self, listing: Iterable[Listed]) -> None:
        """The whole list of backends that exist now."""
        present = {(backend.identity, backend.address): backend for backend in listing}
        self._reports.replace_backends(present.values())
        for key in self._watches.keys() - present.keys():
            self._watches.pop(key).cancel()
        for key in present.keys() - self._watches.keys():
            self._watches[key] = scope = anyio.CancelScope()
            self._tasks.start_soon(self._look_after, present[key], scope)

    async def _look_after(self, backend: Listed, scope: anyio.CancelScope) -> None:
        def report(ready: bool) -> None:
            self._reports.set_state(backend.identity, BackendState.READY if ready else BackendState.STARTING)

        with scope:
            await self._watch(backend, report)
