"""Gradio 3: any application that is no web UI (those have profiles of their own), such as Fooocus or kohya_ss. An event
is a websocket to one route (`dialogues/gradio_socket.py`); what runs without Gradio's queue, which is everything if the
application has none, is posted and answered in one exchange.

Every event is counted, but for functions with `queue=False`, such as a Stop button's: which they are, the application's
configuration says. It cannot be asked whether a function still runs. (routes.py of gradio 3.41.2.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.records.lanes import Lane, WhenBusy
from gateway.profiles.bodies import look
from gateway.profiles.gradio import GRADIO_UPLOAD
from gateway.profiles.gradio_config import unqueued_functions, version_of
from gateway.profiles.gradio_events import GRADIO_SOCKET, KEY_PLACES, called_function, session_keys
from gateway.profiles.gradio_files import DEEPEST, GRADIO_ANSWER, fetches, is_file, sent_files
from gateway.profiles.rules import RuleTable, rule
from gateway.profiles.treatment import Click, FunctionsProbe, More, Profile, Readiness, Treatment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.profiles.bodies import Found, Path
    from gateway.profiles.rules import Rule
    from gateway.profiles.treatment import Asked

_PAGE = (
    *(
        "/",
        "/config",
        "/info",
        "/theme.css",
        "/favicon.ico",
        "/robots.txt",
        "/startup-events",
        "/docs",
        "/openapi.json",
    ),
    *("/assets/*", "/static/*", "/file/*", "/user", "/login_check", "/token", "/app_id"),
)
_PAGE_POSTS = ("/login", "/reset")


def gradio3(rules: Iterable[Rule] = ()) -> Profile:
    """Ready when the application's configuration is there, and says that it is Gradio 3."""
    return Profile(
        "gradio3",
        RuleTable((*rules, *_RULES)).treatment,
        Readiness("http", "/config", accepts=_is_up, light=True, hint=_use_another),
        works_after_disconnect=True,  # a page that is closed ends its websocket, and the function runs on
        functions=FunctionsProbe("/config", unqueued_functions, "events without a queue stand in line, too"),
    )


def _queued(asked: Asked) -> Treatment:
    found = _looked_at(asked)
    more = More(session_keys=session_keys(asked, found), files=sent_files(found), dialogue=GRADIO_SOCKET)
    return Treatment(Lane.COUNTED, WhenBusy.WAIT, more=more)


def _posted(asked: Asked) -> Treatment:
    found = _looked_at(asked)
    click = Click(None, *called_function(asked, found), sure=found.sure)
    more = More(session_keys=session_keys(asked, found), files=sent_files(found), click=click, answer=GRADIO_ANSWER)
    return Treatment(Lane.COUNTED, WhenBusy.WAIT, more=more)


def _looked_at(asked: Asked) -> Found:
    return look(asked.body, _is_place, DEEPEST, whole=asked.whole)


def _is_place(place: Path) -> bool:
    return place in KEY_PLACES or place == ("fn_index",) or is_file(place)


def _of_session(asked: Asked) -> Treatment:
    return Treatment(Lane.EXEMPT, more=More(session_keys=session_keys(asked)))


def _is_up(status: int, body: bytes) -> bool:
    """Behind a login it answers 401, and is there all the same."""
    return status == 401 or (version_of(status, body) or "").startswith("3.")


def _use_another(status: int, body: bytes) -> str:
    version = version_of(status, body)
    return f"this is Gradio {version}: profile gradio" if version is not None else ""


_RULES = (
    rule("GET /queue/join", Lane.COUNTED, WhenBusy.WAIT, more=More(_queued, dialogue=GRADIO_SOCKET)),
    *(
        rule(f"POST {path}", Lane.COUNTED, WhenBusy.WAIT, more=More(_posted, by_body=True))
        for path in ("/run/*", "/api/*")
    ),
    rule("GET /queue/status", Lane.PASSIVE),
    rule("GET /stream/*", Lane.PASSIVE),
    *(rule(f"GET {path}", Lane.EXEMPT) for path in _PAGE),
    fetches(),
    rule("POST /upload", Lane.EXEMPT, more=More(dialogue=GRADIO_UPLOAD)),
    *(rule(f"POST {path}", Lane.EXEMPT, more=More(_of_session, by_body=True)) for path in _PAGE_POSTS),
    rule("OPTIONS /*", Lane.EXEMPT),
    rule("* /*", Lane.COUNTED, WhenBusy.WAIT, names_no_route=True),  # the application's own
)
