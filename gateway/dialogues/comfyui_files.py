"""Files in ComfyUI's answers: an upload's answer names the file that was sent, the history those that a prompt
made. (ComfyUI's server.py.)

The names are those that `profiles.comfyui_jobs.file_name` makes of a request.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Of the answer to an upload.
_ANSWER = 16 * 1024


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
        name, folder, kind = value.get("filename", value.get("name")), value.get("subfolder", ""), value.get("type")
        if all(isinstance(each, str) for each in (name, folder, kind)):
            yield f"file:{kind}/{folder.strip('/')}/{name}"
        else:
            for each in value.values():
                yield from _named(each)


class ComfyUploads:
    """`POST /upload/...`: begins no job."""

    def begun(self, answered: object) -> None:
        """Nothing."""

    def ear(self, keys: tuple[str, ...]) -> UploadEar:
        """For one answer."""
        return UploadEar()


class UploadEar:
    """Hears one answer: `{"name": ..., "subfolder": ..., "type": "input"}`."""

    wanted = False

    def __init__(self) -> None:
        self._answer = bytearray()

    def heard(self, piece: bytes) -> list[str]:
        """Its file, with the last piece."""
        self._answer += piece[: _ANSWER - len(self._answer)]
        if not self._answer.rstrip().endswith(b"}"):
            return []
        try:
            return list(_named(json.loads(self._answer)))
        except (ValueError, RecursionError):
            return []
