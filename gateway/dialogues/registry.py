"""Dialogues by the names that profiles use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.dialogues.comfyui_files import comfyui_history, comfyui_uploads
from gateway.dialogues.comfyui_job import ComfyJobs
from gateway.dialogues.gradio_events import gradio_call, gradio_stream
from gateway.dialogues.gradio_files import GradioAnswers, gradio_uploads
from gateway.dialogues.mcp_session import McpSessions

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.dialogues.dialogue import Dialogue

DIALOGUES: dict[str, Callable[[], Dialogue]] = {
    "comfyui_job": ComfyJobs,
    "comfyui_upload": comfyui_uploads,
    "comfyui_history": comfyui_history,
    "gradio_stream": gradio_stream,
    "gradio_call": gradio_call,
    "gradio_upload": gradio_uploads,
    "gradio_answer": GradioAnswers,
    "mcp_session": McpSessions,
}

#: Those in which the gateway itself speaks with the client, on a websocket, before there is a backend.
SOCKETS = frozenset(("gradio_socket",))


def dialogues() -> dict[str, Dialogue]:
    """A new set of all dialogues, for one pool."""
    return {name: make() for name, make in DIALOGUES.items()}
