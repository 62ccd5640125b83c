"""Files in Gradio's answers: an answer to `/upload` lists those that were sent, a message about an event names those
that it made, `path` since Gradio 4 and `name` before, and the text of an MCP result their addresses. (Gradio's
routes.py and data_classes.py; 3.41 and 5.49.)"""

from __future__ import annotations

import json
import re
from urllib.parse import unquote

from gateway.dialogues.named_files import NamedFiles

#: Bytes of a name that is looked for.
_LONGEST = 1024

#: A field, and not a piece of text that looks like one: there the quotes have backslashes. Of an address what is behind
#: `file=`; what ends it must be here, too.
_NAMED = re.compile(
    rb'"(?:path|name)"\s{0,4}:\s{0,4}("(?:[^"\\\x00-\x1f]|\\.){1,%d}")|/file=([^"\\\s]{1,%d})(?=["\\\s])'
    % (_LONGEST, _LONGEST)
)


class FileNames:
    """Those that an answer names, however its bytes were cut. Of what comes between it keeps the end alone: pictures
    may stand there. A query, such as A1111's `?` and the time of a file, is no part of a name."""

    wanted = False

    def __init__(self) -> None:
        self._kept = b""

    def heard(self, piece: bytes) -> list[str]:
        """The next piece."""
        text = self._kept + piece
        found = list(_NAMED.finditer(text))
        rest = text[found[-1].end() :] if found else text
        self._kept = rest[-2 * _LONGEST :]
        named = [_text(each[1]) if each[1] is not None else _in_address(each[2]) for each in found]
        return [name for each in named if "/" in (name := each.partition("?")[0]) or "\\" in name]


class GradioAnswers:
    """The dialogue of answers that name files."""

    def begun(self, answered: object) -> None:
        """Nothing."""

    def ear(self, keys: tuple[str, ...]) -> FileNames:
        """For one answer."""
        return FileNames()


def gradio_uploads() -> NamedFiles:
    """`POST /upload`: a list of paths."""
    return NamedFiles(lambda told: (name for name in told if isinstance(name, str)) if isinstance(told, list) else ())


def _in_address(given: bytes) -> str:
    return unquote(given.decode(errors="replace"))


def _text(quoted: bytes) -> str:
    try:
        text: str = json.loads(quoted)
    except ValueError:
        return ""
    return text
