"""Files in Gradio's answers: an answer to `/upload` lists those that were sent, a message about an event names those
that it made. (Gradio's routes.py and data_classes.py.)"""

from __future__ import annotations

import json
import re

#: Of a list of uploads, so many bytes: some hundred files.
_LIST = 64 * 1024

#: A field `path`, and not a piece of text that looks like one: there the quotes have backslashes.
_PATH = re.compile(rb'"path"\s*:\s*("(?:[^"\\\x00-\x1f]|\\.)*")')


def files_in(message: bytes) -> list[str]:
    """Files that a message of a stream names, be it only its beginning."""
    return [name for quoted in _PATH.findall(message) if (name := _text(quoted))]


class GradioUploads:
    """`POST /upload`: begins no job."""

    def begun(self, answered: object) -> None:
        """Nothing."""

    def ear(self, keys: tuple[str, ...]) -> UploadEar:
        """For one answer."""
        return UploadEar()


class UploadEar:
    """Hears one list of files."""

    wanted = False

    def __init__(self) -> None:
        self._list = bytearray()

    def heard(self, piece: bytes) -> list[str]:
        """Its files, with the last piece."""
        self._list += piece[: _LIST - len(self._list)]
        if not self._list.rstrip().endswith(b"]"):
            return []
        try:
            told = json.loads(self._list)
        except (ValueError, RecursionError):
            return []
        return [name for name in told if isinstance(name, str)] if isinstance(told, list) else []


def _text(quoted: bytes) -> str | None:
    try:
        text: str = json.loads(quoted)
    except ValueError:
        return None
    return text
