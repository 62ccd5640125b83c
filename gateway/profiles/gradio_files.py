"""Files of a pod that a Gradio request names, to fetch them or to send them to a function. They are on one pod's
disk, and clients without cookies (`gradio_client` before 5.35) name nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from gateway.core.records.lanes import Lane
from gateway.profiles.rules import rule
from gateway.profiles.treatment import More, Treatment

if TYPE_CHECKING:
    from gateway.profiles.bodies import Found, Path
    from gateway.profiles.rules import Rule
    from gateway.profiles.treatment import Asked

#: The dialogue of answers that name files.
GRADIO_ANSWER = "gradio_answer"

#: `data`, the argument's place, in a gallery the picture's and its kind, `path`.
DEEPEST = 5

#: Of one request's, so many count.
_MOST = 8

_ROUTE = b"/file="


def is_file(place: Path) -> bool:
    """In the body of an event, the name of a file stands there; Gradio 3 calls it `name`. (Gradio's data_classes.py:
    `FileData`.)"""
    return 2 < len(place) <= DEEPEST and place[0] == "data" and place[-1] in ("path", "name")


def sent_files(found: Found) -> tuple[str, ...]:
    """Files that an event's body names."""
    named = [name for place, name in found.values.items() if is_file(place) and isinstance(name, str)]
    return tuple(named[:_MOST])


def fetches(prefix: str = "") -> Rule:
    """The rule for GETs of files, by names that many a client encodes whole."""
    return rule(f"GET {prefix}{_ROUTE.decode()}*", Lane.EXEMPT, more=More(_fetch), names_anything=True)


def _fetch(asked: Asked) -> Treatment:
    return Treatment(Lane.EXEMPT, more=More(files=fetched_file(asked.raw_path)))


def fetched_file(raw_path: bytes) -> tuple[str, ...]:
    """The one that a GET asks for."""
    path = raw_path.removeprefix(b"/gradio_api")
    if not path.startswith(_ROUTE):
        return ()
    return (unquote_to_bytes(path[len(_ROUTE) :]).decode(errors="replace").partition("?")[0],)
