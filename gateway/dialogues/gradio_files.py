"""Files in Gradio's answers: an answer to `/upload` lists those that were sent, a message about an event names those
that it made. (Gradio's routes.py and data_classes.py.)"""

from __future__ import annotations

import json
import re

from gateway.dialogues.uploads import Uploads

#: A field `path`, and not a piece of text that looks like one: there the quotes have backslashes.
_PATH = re.compile(rb'"path"\s*:\s*("(?:[^"\\\x00-\x1f]|\\.)*")')


def files_in(message: bytes) -> list[str]:
    """Files that a message of a stream names, be it only its beginning."""
    return [name for quoted in _PATH.findall(message) if (name := _text(quoted))]


def gradio_uploads() -> Uploads:
    """`POST /upload`: a list of paths."""
    return Uploads(lambda told: (name for name in told if isinstance(name, str)) if isinstance(told, list) else ())


def _text(quoted: bytes) -> str | None:
    try:
        text: str = json.loads(quoted)
    except ValueError:
        return None
    return text
