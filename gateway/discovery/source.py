"""The protocols of discovery: what a source is given, and what it reports. A source says which backends exist; it
never asks a backend how it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.core.records.listed import BackendState, Listed


class Reports(Protocol):
    """The receiver of a source's reports: the pool's driver."""

    def replace_backends(self, listing: Iterable[Listed]) -> None:
        """The whole list of backends that exist now."""

    def set_state(self, identity: str, state: BackendState) -> None:
        """A backend's state has changed."""

    def start_failed(self, evidence: str, retry_in: float) -> None:
        """A start died; the next attempt is possible in so many seconds."""

    def start_succeeded(self) -> None:
        """A started backend became ready."""


class Watch(Protocol):
    """Looks after one listed backend until it is cancelled."""

    async def __call__(self, backend: Listed, report: Callable[[bool], None]) -> None:
        """`report` is told whether the backend is ready: once that is known, and at each change."""


class Source(Protocol):
    """Somewhere backends come from."""

    @property
    def stale(self) -> str | None:
        """Why the list may not be true any more, for people; None: it is, or nobody has to be asked for it."""

    async def run(self) -> None:
        """Keep the pool's list of backends true, until cancelled."""
