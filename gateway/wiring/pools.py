"""The registry of pools: a pool is made when it is first asked for, kept through every reload, and
taken down when it is not asked for any more and its last request is over. Decides nothing about which
there should be."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio
import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gateway.runtime.background import Background
    from gateway.settings.model import PoolSettings
    from gateway.wiring.knative_values import RevisionPlace
    from gateway.wiring.pool import PoolParts

    #: Name, settings, keys of cookies, and the revision whose pool it is.
    Make = Callable[[str, PoolSettings, Sequence[str], RevisionPlace | None], PoolParts]

#: Seconds between two looks whether a pool that nobody asks for any more is done.
_LOOK_EVERY = 0.5


class PoolRegistry:
    """Pools by name. `on_retired` is called with the name, and the revision, of each pool that is gone."""

    def __init__(
        self, make: Make, background: Background, on_retired: Callable[[str, RevisionPlace | None], None]
    ) -> None:
        self.parts: dict[str, PoolParts] = {}
        self._make = make
        self._background = background
        self._on_retired = on_retired
        self._wanted: frozenset[str] = frozenset()
        self._retiring: set[str] = set()

    def put(
        self, name: str, settings: PoolSettings, keys: Sequence[str], place: RevisionPlace | None = None
    ) -> PoolParts:
        """Makes the pool, or gives the existing one these settings."""
        if (parts := self.parts.get(name)) is not None:
            parts.reload(settings, keys, place)
            return parts
        parts = self.parts[name] = self._make(name, settings, keys, place)
        self._background.start(f"pool {name}", parts.run)
        return parts

    def keep(self, names: Iterable[str]) -> None:
        """Takes down all other pools, each when its last request is over."""
        self._wanted = frozenset(names)
        for name in self.parts.keys() - self._wanted - self._retiring:
            self._retiring.add(name)
            self._background.start(f"retire {name}", partial(self._retire, name))

    async def close_children(self) -> None:
        """Stop every process of ours and wait until none is left."""
        async with anyio.create_task_group() as tasks:
            for parts in self.parts.values():
                if parts.fleet is not None:
                    tasks.start_soon(parts.fleet.close)

    async def _retire(self, name: str) -> None:
        """Closes a pool when the requests that it has are served. If the pool is wanted again before
        that, it stays: a second pool beside it would give its backends work of its own."""
        parts = self.parts[name]
        while parts.has_work and name not in self._wanted:  # noqa: ASYNC110  # rare, and minutes long
            await anyio.sleep(_LOOK_EVERY)
        if name not in self._wanted:
            await parts.close()
            del self.parts[name]
            self._on_retired(name, parts.place)
            structlog.get_logger().info("pool_retired", pool=name)
        self._retiring.remove(name)
