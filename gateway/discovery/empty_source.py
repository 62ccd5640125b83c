"""No backends, ever: for a pool in which requests only wait. A source like the others, so that nobody has to ask."""

from __future__ import annotations

import anyio


class EmptySource:
    """A source."""

    stale: str | None = None

    async def run(self) -> None:
        """Until cancelled."""
        await anyio.sleep_forever()
