"""Gradio 4, 5 and 6: any application, by the protocol of its events. Since 5 the routes are below /gradio_api.

An event is posted to /queue/join, or to /call, and told of on a stream of the session's or of its own. Both must reach
one pod, and so must uploads, files and the state of the page: by the cookie, `session_hash`, or `event_id`.
What runs without Gradio's queue (/run, /api) answers in one exchange. Streams and heartbeats are open as long as the
page is: they hold nothing up.

It cannot be asked whether a function still runs: its queue's status counts those that have not begun.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.records.lanes import Lane, WhenBusy
from gateway.profiles.bodies import look
from gateway.profiles.gradio_config import version_of
from gateway.profiles.gradio_events import KEY_PLACES, session_keys
from gateway.profiles.gradio_files import DEEPEST, fetches, is_file, sent_files
from gateway.profiles.mcp import mcp_rules
from gateway.profiles.rules import RuleTable, rule
from gateway.profiles.treatment import More, Profile, Readiness, Treatment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.profiles.bodies import Path
    from gateway.profiles.rules import Rule
    from gateway.profiles.treatment import Ask, Asked

#: The dialogue of Gradio 4 and later: POST /queue/join is answered with an `event_id`; the event's end is told on GET
#: /queue/data of the same `session_hash`.
GRADIO_STREAM = "gradio_stream"

#: The same with POST /call/NAME, and the end on GET /call/NAME/EVENT_ID.
GRADIO_CALL = "gradio_call"

#: The answer to POST /upload names the files that were sent.
GRADIO_UPLOAD = "gradio_upload"

_PREFIXES = ("", "/gradio_api")

#: It speaks on websockets.
_OLD = "3."

_PAGE = (
    *("/", "/config", "/info", "/openapi.json", "/theme.css", "/favicon.ico", "/manifest.json", "/robots.txt"),
    *("/assets/*", "/static/*", "/svelte/*", "/user", "/login_check", "/token", "/app_id", "/logout"),
    *("/file/*", "/custom_component/*", "/startup-events", "/deep_link"),
)
_PAGE_POSTS = ("/login", "/reset", "/cancel")


def gradio(rules: Iterable[Rule] = ()) -> Profile:
    """Ready when the application's configuration is there."""
    table = RuleTable((*rules, *(each for prefix in _PREFIXES for each in _below(prefix)), *_REST))
    return Profile(
        "gradio",
        table.treatment,
        Readiness("http", "/config", accepts=_is_up, light=True, hint=_use_another),
        works_after_disconnect=True,  # a stream that closes drops what is in Gradio's queue; what runs goes on
    )


def stream_rules(prefix: str) -> tuple[Rule, ...]:
    """Rules for what a page keeps open or asks again and again."""
    paths = ("/queue/data", "/heartbeat/*", "/stream/*", "/upload_progress", "/call/*")
    more = More(_passive)
    return (
        *(rule(f"GET {prefix}{path}", Lane.PASSIVE, more=more) for path in paths),
        rule(f"GET {prefix}/queue/status", Lane.PASSIVE),
    )


def event_rules(prefix: str, event: Ask) -> tuple[Rule, ...]:
    """Events, which `event` tells apart by their bodies."""
    more = More(event, by_body=True)
    return tuple(
        rule(f"POST {prefix}{path}", Lane.COUNTED, WhenBusy.WAIT, more=more)
        for path in ("/queue/join", "/run/*", "/api/*", "/call/*")
    )


def _below(prefix: str) -> Iterable[Rule]:
    yield from stream_rules(prefix)
    yield from event_rules(prefix, _event)
    yield from mcp_rules(prefix)
    keyed = More(_exempt, by_body=True)
    for path in _PAGE:
        yield rule(f"GET {prefix}{path}", Lane.EXEMPT)
    yield fetches(prefix)
    yield rule(f"POST {prefix}/upload", Lane.EXEMPT, more=More(dialogue=GRADIO_UPLOAD))
    for path in _PAGE_POSTS:
        yield rule(f"POST {prefix}{path}", Lane.EXEMPT, more=keyed if path in ("/cancel", "/reset") else None)


_REST = (
    rule("OPTIONS /*", Lane.EXEMPT),
    rule("* /*", Lane.COUNTED, WhenBusy.WAIT, names_no_route=True),  # the application's own
)


def _event(asked: Asked) -> Treatment:
    kind = asked.raw_path.removeprefix(b"/gradio_api").split(b"/")[1]
    dialogue = {b"queue": GRADIO_STREAM, b"call": GRADIO_CALL}.get(kind)
    found = look(asked.body, _is_event_place, DEEPEST, whole=asked.whole)
    more = More(session_keys=session_keys(asked, found), files=sent_files(found), dialogue=dialogue)
    return Treatment(Lane.COUNTED, WhenBusy.WAIT, more=more)


def _is_event_place(place: Path) -> bool:
    return place in KEY_PLACES or is_file(place)


def _passive(asked: Asked) -> Treatment:
    """Two of these tell of events: they are the second half of a dialogue."""
    route = asked.raw_path.removeprefix(b"/gradio_api").split(b"/")[1:3]
    dialogue = GRADIO_STREAM if route == [b"queue", b"data"] else GRADIO_CALL if route[:1] == [b"call"] else None
    return Treatment(Lane.PASSIVE, more=More(session_keys=session_keys(asked), dialogue=dialogue))


def _exempt(asked: Asked) -> Treatment:
    return Treatment(Lane.EXEMPT, more=More(session_keys=session_keys(asked)))


def _is_up(status: int, body: bytes) -> bool:
    """Behind a login it answers 401, and is there all the same."""
    version = version_of(status, body)
    return status == 401 or (version is not None and not version.startswith(_OLD))


def _use_another(status: int, body: bytes) -> str:
    version = version_of(status, body) or ""
    return f"this is Gradio {version}: profile gradio3, or a web UI's own" if version.startswith(_OLD) else ""
