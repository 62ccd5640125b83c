"""Files in ComfyUI's answers: an upload's answer names the file that was sent, the history those that a prompt
made, or how it broke. (ComfyUI's server.py, execution.py.)"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gateway.dialogues.uploads import Uploads
from gateway.names import file_name

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Characters of a pod's own words.
_LONGEST_ERROR = 200


def files_in(history: bytes) -> Iterator[str]:
    """Files that the outputs of a prompt's history name."""
    for prompt in _prompts(history):
        yield from _named(prompt.get("outputs"))


def error_in(history: bytes) -> str:
    """How a node of a prompt broke, by the prompt's history; "": none did, or its owner stopped it."""
    for prompt in _prompts(history):
        match prompt.get("status"):
            case {"status_str": "error", "messages": [*_, ["execution_error", {"exception_type": str(kind), **more}]]}:
                said = str(more.get("exception_message", "")).strip().partition("\n")[0]
                return f"{kind}: {said}"[:_LONGEST_ERROR]
    return ""


def _prompts(history: bytes) -> Iterator[dict[str, Any]]:
    try:
        told = json.loads(history)
    except (ValueError, RecursionError):
        return
    yield from (prompt for prompt in told.values() if isinstance(prompt, dict)) if isinstance(told, dict) else ()


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _named(each)
    elif isinstance(value, dict):
        match value.get("filename", value.get("name")), value.get("subfolder", ""), value.get("type"):
            case str(name), str(folder), str(kind):
                yield file_name(name, folder, kind)
            case _:
                for each in value.values():
                    yield from _named(each)


def comfyui_uploads() -> Uploads:
    """`POST /upload/...`: `{"name": ..., "subfolder": ..., "type": "input"}`."""
    return Uploads(_named)
