"""Names that clients give themselves in Gradio's exchanges: what belongs together names one `session_hash`, or one
`event_id`.

They are the fallback for clients without cookies: `gradio_client` before 5.35, and pages embedded elsewhere.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote_to_bytes

from gateway.names import EVENT, SESSION
from gateway.profiles.bodies import Found, look

if TYPE_CHECKING:
    from gateway.profiles.treatment import Asked

#: The dialogue of Gradio 3's queue: the page is asked for its hash and then for its data. It shows the message with the
#: data to `ask`.
GRADIO_SOCKET = "gradio_socket"

#: Where a body has them.
KEY_PLACES = frozenset((("session_hash",), ("event_id",)))
_LONGEST_KEY = 128
_NAMED = re.compile(rb"/(?:run|api|call)/(.+?)/?")
_NO_FRACTION = re.compile(r"\.0+\s*\Z")
_LONGEST_QUERY = 4096

#: Routes that carry a key in their path, behind the prefix of Gradio 5: which, and of what kind it is.
_IN_PATH = (
    (re.compile(rb"(?:/gradio_api)?/(?:heartbeat|stream)/([\w-]+)(?:/.*)?"), SESSION),
    (re.compile(rb"(?:/gradio_api)?/call/(?:[^/]+/)+([\w-]+)"), EVENT),
)


def session_keys(asked: Asked, found: Found | None = None) -> tuple[str, ...]:
    """The keys that a request names, `session:...` before `event:...`; `found`: the body, if it was looked at."""
    named: dict[str, str] = {}
    if found is None and asked.body:
        found = look(asked.body, KEY_PLACES.__contains__, 1, whole=asked.whole)
    for kind in (SESSION, EVENT):
        in_query, in_body = _in_query(asked.query, _FIELDS[kind]), found and found.text(_FIELDS[kind])
        if given := in_query or in_body or _in_path(asked, kind):
            named[kind] = given
    return tuple(f"{kind}{key}" for kind, key in named.items() if len(key) <= _LONGEST_KEY)


def called_function(asked: Asked, found: Found) -> tuple[int | None, str | None]:
    """The function, as Gradio finds it: by the number, or without one by the name in the path. `/call` knows names
    alone; an event of Gradio 3's queue is sent on to `/api/predict`."""
    name = _function_name(asked.raw_path)
    number = None if asked.raw_path.startswith(b"/call/") else _number(found.values.get(("fn_index",)))
    return number, name or "predict"


def event_of(answer: bytes) -> str | None:
    """The `event_id` that a backend's answer to a join or a call gave the event."""
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    given = said.get("event_id") if isinstance(said, dict) else None
    return given if isinstance(given, str) and 0 < len(given) <= _LONGEST_KEY else None


def _number(given: object) -> int | None:
    """As pydantic reads an integer: generously, "12.0" too."""
    try:
        given = _NO_FRACTION.sub("", given) if isinstance(given, str) else given
        return int(given) if isinstance(given, str | int | float) else None
    except (ValueError, OverflowError):
        return None


def _function_name(raw_path: bytes) -> str | None:
    """Of `/run/NAME`, `/api/NAME` and `/call/NAME`."""
    found = _NAMED.fullmatch(raw_path)
    return unquote_to_bytes(found[1]).decode(errors="replace") if found is not None else None


_FIELDS = {SESSION: "session_hash", EVENT: "event_id"}


def _in_query(query: bytes, name: str) -> str | None:
    if name.encode() not in query or len(query) > _LONGEST_QUERY:
        return None
    try:
        values = parse_qs(query.decode(errors="replace")).get(name)
    except ValueError:  # more fields than anybody means
        return None
    return values[0] if values else None


def _in_path(asked: Asked, kind: str) -> str | None:
    if kind == EVENT and asked.method != "GET":
        return None  # POST /call/NAME makes an event
    for pattern, its_kind in _IN_PATH:
        if its_kind == kind and (match := pattern.fullmatch(asked.raw_path)):
            return match[1].decode()
    return None
