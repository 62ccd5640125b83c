"""Dialogues by the names that profiles use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.dialogues.comfyui_job import ComfyJobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.dialogues.dialogue import Dialogue

DIALOGUES: dict[str, Callable[[], Dialogue]] = {"comfyui_job": ComfyJobs}


def dialogues() -> dict[str, Dialogue]:
    """One of each, for one pool."""
    return {name: make() for name, make in DIALOGUES.items()}
