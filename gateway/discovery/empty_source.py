"""A source without backends, for a pool in which requests only wait."""

from __future__ import annotations

import anyio


class EmptySource:
    """A source."""

    stale: str | None = None

    async def run(self) -> None:
        """Until cancelled."""
        await anyio.sleep_forever()
