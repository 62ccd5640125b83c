"""Files in ComfyUI's answers: an upload's answer names the file that was sent, the history those that a prompt
made, or how it broke. (ComfyUI's server.py, execution.py.)"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gateway.dialogues.named_files import NamedFiles
from gateway.names import file_name

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bytes of the history of one prompt, which has its graph: in a longer one the outputs are not looked for.
HISTORY = 4 << 20

#: Characters of a pod's own words.
_LONGEST_ERROR = 200


def files_in(history: bytes) -> Iterator[str]:
    """Files that the outputs of a prompt's history name."""
    yield from _made(_loaded(history))


def error_in(history: bytes) -> str:
    """How a node of a prompt broke, by the prompt's history; "": none did, or its owner stopped it."""
    for prompt in _prompts(_loaded(history)):
        match prompt.get("status"):
            case {"status_str": "error", "messages": [*_, ["execution_error", {"exception_type": str(kind), **more}]]}:
                said = str(more.get("exception_message", "")).strip().partition("\n")[0]
                return f"{kind}: {said}"[:_LONGEST_ERROR]
    return ""


def _loaded(history: bytes) -> Any:
    try:
        return json.loads(history)
    except (ValueError, RecursionError):
        return None


def _made(told: Any) -> Iterator[str]:
    """By a history, or by a job, which is a prompt itself."""
    for prompt in (told, *_prompts(told)):
        if isinstance(prompt, dict):
            yield from _named(prompt.get("outputs"))


def _prompts(told: Any) -> Iterator[dict[str, Any]]:
    if isinstance(told, dict):
        yield from (prompt for prompt in told.values() if isinstance(prompt, dict))


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


def comfyui_uploads() -> NamedFiles:
    """`POST /upload/...`: `{"name": ..., "subfolder": ..., "type": "input"}`."""
    return NamedFiles(_named)


def comfyui_history() -> NamedFiles:
    """`GET /history/ID`, `GET /api/jobs/ID`: who asks may fetch what it names before the gateway has asked itself."""
    return NamedFiles(_made, HISTORY)
