"""The Model Context Protocol over HTTP, as Gradio 5 and later serve it (`mcp_server=True`): JSON-RPC messages, of which
those that may run one of the application's functions are counted. (modelcontextprotocol.io, 2024-11-05 to 2025-06-18;
gradio 5.49, mcp 1.10.)

Two transports. Streamable HTTP: each POST is answered with its result, most often as a stream of events that ends with
it; no pod remembers anything between two. The older one: `GET .../sse` opens a session's stream, whose first event says
where its messages are posted (`.../messages/?session_id=`); a POST is answered at once, and the result is told on the
stream. Only the pod that opened it knows the session.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from gateway.core.records.lanes import Lane, WhenBusy
from gateway.names import mcp_call_name, mcp_session_name
from gateway.profiles.bodies import COMPOUND, look
from gateway.profiles.gradio_files import GRADIO_ANSWER
from gateway.profiles.rules import rule
from gateway.profiles.treatment import Control, LocalAnswer, More, Treatment, Verb

if TYPE_CHECKING:
    from gateway.profiles.bodies import Found, Path
    from gateway.profiles.rules import Rule
    from gateway.profiles.treatment import Asked

#: The dialogue of the older transport.
MCP_SESSION = "mcp_session"

#: What is answered from what the application says of itself. All that is not named may run a function: `tools/call`,
#: `resources/read` and `prompts/get` do.
_LIGHT = frozenset(
    (
        *("initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"),
        *("tools/list", "resources/list", "resources/templates/list", "prompts/list"),
        *("server/discover", "subscriptions/listen", "tasks/get"),  # of newer clients; the second's answer is endless
    )
)
_NOTIFICATION = "notifications/"
_CANCELLED = "notifications/cancelled"

#: A message without a method is an answer to something that the server asked.
_ANSWERS = ("result", "error")

_REQUEST = ("params", "requestId")
_ARGUMENTS = ("params", "arguments")
_MOST_FILES = 8

_LONGEST_QUERY = 4096
_LONGEST_NAME = 256

#: In the pod's words: of a call in line, and of one that is let alone.
_ACCEPTED = LocalAnswer(202, b"Accepted", "text/plain; charset=utf-8")
_LET_ALONE = replace(_ACCEPTED)


def mcp_rules(prefix: str) -> tuple[Rule, ...]:
    """Rules for what is below `prefix` + /mcp."""
    call, message = More(_call, by_body=True), More(_message, by_body=True)
    return (
        rule(f"GET {prefix}/mcp/schema", Lane.EXEMPT),
        rule(f"GET {prefix}/mcp/sse", Lane.EXEMPT, more=More(dialogue=MCP_SESSION)),  # a session begins: wakes a pod
        *(rule(f"GET {prefix}/mcp{rest}", Lane.PASSIVE) for rest in ("", "/*")),
        *(rule(f"DELETE {prefix}/mcp{rest}", Lane.EXEMPT) for rest in ("", "/", "/http", "/http/")),
        rule(f"POST {prefix}/mcp/messages/*", Lane.COUNTED, WhenBusy.WAIT, more=message),
        *(rule(f"POST {prefix}/mcp{rest}", Lane.COUNTED, WhenBusy.SPILL, more=call) for rest in ("", "/", "/http")),
        rule(f"POST {prefix}/mcp/http/", Lane.COUNTED, WhenBusy.SPILL, more=call),
    )


def _call(asked: Asked) -> Treatment:
    """A message of streamable HTTP: any pod answers it as well as another."""
    found = look(asked.body, _is_place, 3, whole=asked.whole)
    if _is_light(found):
        return Treatment(Lane.EXEMPT)
    files = _named_files(found)
    when_busy = WhenBusy.WAIT if files else WhenBusy.SPILL
    return Treatment(Lane.COUNTED, when_busy, more=More(files=files, answer=GRADIO_ANSWER))


def _message(asked: Asked) -> Treatment:
    """A message of a session, which one pod has."""
    found = look(asked.body, _is_place, 3, whole=asked.whole)
    session = _session(asked)
    made = (mcp_session_name(session),) if session is not None else ()
    if _is_light(found):
        return Treatment(Lane.EXEMPT, more=More(made=made, control=_cancelling(found, session)))
    more = More(made=made, job=_job_name(session, found.values.get(("id",))), dialogue=MCP_SESSION)
    return Treatment(Lane.COUNTED, WhenBusy.WAIT, more=more)


def _cancelling(found: Found, session: str | None) -> Control | None:
    """Gradio answers a cancelled call, and works on: so it is not told, and one in line is taken out of it."""
    job = _job_name(session, found.values.get(_REQUEST))
    if found.text("method") != _CANCELLED or job is None:
        return None
    return Control(Verb.UNQUEUE, lambda place: _ACCEPTED, (job,), foreign=_LET_ALONE)


def _job_name(session: str | None, request_id: object) -> str | None:
    if session is None or isinstance(request_id, bool) or not isinstance(request_id, str | int):
        return None
    name = mcp_call_name(mcp_session_name(session), request_id)
    return name if len(name) <= _LONGEST_NAME else None


def _session(asked: Asked) -> str | None:
    """As its pod spells it: a UUID's 32 hex digits."""
    if len(asked.query) > _LONGEST_QUERY:
        return None
    named = parse_qs(asked.query.decode(errors="replace")).get("session_id", ())
    return next((each.replace("-", "").lower() for each in named), None)


def _named_files(found: Found) -> tuple[str, ...]:
    """Files of a pod's own, which arguments name by their paths."""
    values = [value for place, value in found.values.items() if place[:2] == _ARGUMENTS]
    return tuple(value for value in values if isinstance(value, str) and value.startswith("/"))[:_MOST_FILES]


def _is_place(place: Path) -> bool:
    """Members of a message and of each in a batch; what a cancellation names; a call's arguments."""
    if place[:1] == ("params",):
        return len(place) == 1 or place == _REQUEST or place[:2] == _ARGUMENTS
    return len(place) < 2 or (len(place) == 2 and isinstance(place[0], int))


def _is_light(found: Found) -> bool:
    """None of the messages may run a function. A batch is as heavy as its heaviest member."""
    members: list[Path] = [place for place in found.values if len(place) == 1 and isinstance(place[0], int)] or [()]
    return found.sure and all(_is_light_member(found, member) for member in members)


def _is_light_member(found: Found, at: Path) -> bool:
    if found.values.get(at) is not COMPOUND:
        return False
    if not found.has(*at, "method"):
        return any(found.has(*at, answer) for answer in _ANSWERS)
    method = found.text(*at, "method") or ""
    return method in _LIGHT or method.startswith(_NOTIFICATION)
