"""Stands for a pool's driver towards discovery and probing: writes down what it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.core.records.listed import BackendState, Listed


class RecordingReports:
    """Everything it was told, in order, in few words; and the last listing."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.listing: list[Listed] = []

    def replace_backends(self, listing: Iterable[Listed]) -> None:
        """Who exists now."""
        self.listing = list(listing)
        self.told.append(f"list {' '.join(backend.name for backend in self.listing)}".strip())

    def set_state(self, identity: str, state: BackendState) -> None:
        """What has become of one of them."""
        self.told.append(f"{identity} {state.value}")

    def start_failed(self, evidence: str, retry_in: float) -> None:
        """A start died."""
        self.told.append(f"start failed: {evidence} (again in {retry_in:g} s)")

    def start_succeeded(self) -> None:
        """A start went well."""
        self.told.append("start succeeded")

    def backend_unready(self, identity: str, evidence: str) -> None:
        """Why it is not ready."""
        self.told.append(f"{identity} unready: {evidence}")

    def backend_idle(self, identity: str, sent_at: float) -> None:
        """An idle probe passed."""
        self.told.append(f"{identity} idle, asked at {sent_at:.2f}")

    def backend_busy(self, identity: str) -> None:
        """An idle probe said busy."""
        self.told.append(f"{identity} busy")

    def backend_cannot_be_asked(self, identity: str) -> None:
        """It does not let itself be asked."""
        self.told.append(f"{identity} cannot be asked")

    def backend_model(self, identity: str, model: str | None, sent_at: float) -> None:
        """It said what it has loaded."""
        self.told.append(f"{identity} has {model}, asked at {sent_at:.2f}")

    def since_last_look(self) -> list[str]:
        """What it was told since this was last called."""
        told, self.told = self.told, []
        return told
