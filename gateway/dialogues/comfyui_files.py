"""Files in ComfyUI's answers: an upload's answer names the file that was sent, the history those that a prompt
made. (ComfyUI's server.py.)"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gateway.dialogues.uploads import Uploads
from gateway.names import file_name

if TYPE_CHECKING:
    from collections.abc import Iterator


def files_in(history: bytes) -> Iterator[str]:
    """Files that the outputs of a prompt's history name."""
    try:
        told = json.loads(history)
    except (ValueError, RecursionError):
        return
    for prompt in told.values() if isinstance(told, dict) else ():
        outputs = prompt.get("outputs") if isinstance(prompt, dict) else None
        yield from _named(outputs)


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
