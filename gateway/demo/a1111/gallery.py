"""Pictures of the stand-in's page, as files of Gradio 3: an event names them, and the page fetches each by its name.

As seen on Gradio 3.41.2: a picture is at `/tmp/gradio/` and a name that nobody guesses; to whoever asks another pod the
file is not allowed there (403).
"""

from __future__ import annotations

import base64
import secrets
from collections import OrderedDict

_DIRECTORY = "/tmp/gradio/"  # no file is made there

#: Pictures that are kept.
_KEPT = 64


class Gallery:
    """One pod's."""

    def __init__(self) -> None:
        self._pictures: OrderedDict[str, bytes] = OrderedDict()

    def keep(self, picture: str) -> dict[str, object]:
        """A picture in base64, as an event names it from then on."""
        name = f"{_DIRECTORY}{secrets.token_hex(20)}/image.png"
        self._pictures[name] = base64.b64decode(picture)
        while len(self._pictures) > _KEPT:
            self._pictures.popitem(last=False)
        return {"name": name, "data": None, "is_file": True}

    def picture(self, name: str) -> bytes | None:
        """The PNG of that name. None: this pod has not painted it, or long ago."""
        return self._pictures.get(name)

    def would_have(self, name: str) -> bool:
        """The name is one that pictures have."""
        return name.startswith(_DIRECTORY)
