"""Names of what one pod has and of who asks for it, by which it is remembered which pod that is. Profiles read them in
requests and dialogues in answers; neither knows the other, so what both must spell alike stands here."""

from __future__ import annotations

import json

#: What a name of Gradio's begins with: a page's name for itself, an event's name.
SESSION, EVENT = "session:", "event:"


def prompt_name(prompt_id: str) -> str:
    """Of a prompt that a ComfyUI took."""
    return f"prompt:{prompt_id}"


def file_name(name: str, folder: str, kind: str) -> str:
    """Of a file that a ComfyUI has; `kind`: input, output or temp."""
    return f"file:{kind}/{folder.strip('/')}/{name}"


def mcp_session_name(session: str) -> str:
    """Of an MCP session that a Gradio opened."""
    return f"mcp:{session}"


def mcp_call_name(session_name: str, request_id: object) -> str:
    """Of a call in it: an integer or a text, by which its result is known."""
    return f"{session_name}:{json.dumps(request_id)}"


def session_of_call(call_name: str) -> str:
    """The name of the session that a call is in."""
    return ":".join(call_name.split(":", 2)[:2])
