"""A watch that knows of each backend only what the test tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.records.listed import Listed


class ToldWatch:
    """Satisfies discovery's Watch. `watched` are the identities it looks after now."""

    def __init__(self) -> None:
        self._reports: dict[str, Callable[[bool], None]] = {}

    @property
    def watched(self) -> list[str]:
        """In the order of their names."""
        return sorted(self._reports)

    def say(self, identity: str, *, ready: bool) -> None:
        """A probe has found this out."""
        self._reports[identity](ready)

    async def __call__(self, backend: Listed, report: Callable[[bool], None]) -> None:
        """Look after it until cancelled."""
        assert backend.identity not in self._reports, "watched twice"
        self._reports[backend.identity] = report
        try:
            await anyio.sleep_forever()
        finally:
            del self._reports[backend.identity]
