"""The gateway's own answers: the one place that knows which failure has which status code.

A 503 is said only if nothing was started, and then always with Retry-After: such a request is safe to repeat. What was
started and did not end well is 502 or 504. Each text says what was found, what was expected and what to do; none
names an address or anything else from inside.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from gateway.core.line.expected_wait import RETRY_UNKNOWN
from gateway.core.records.decisions import Ending, Reason, Refusal
from gateway.proxy.answers.error_page import page
from gateway.proxy.errors import (
    BadHandshake,
    BadMessage,
    BodyTooLarge,
    BodyTooSlow,
    ClientLeft,
    Denied,
    DeniedClick,
    EdgeError,
    ForeignOrigin,
    NoRoute,
    Refused,
    TooManyWaiting,
    Unauthorised,
    UnknownVersion,
    Withdrawn,
)
from gateway.proxy.websocket.handshake import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.proxy.headers.forwarded import Header

#: For the log and the metrics, as nginx has it: nobody is there to read it.
CLIENT_CLOSED_REQUEST = 499

_SHOWN_OF_CLIENT_STRINGS = 100
_SHOWN_OF_EVIDENCE = 500

_REFUSED = {
    Reason.LINE_FULL: ("The line is full", "As many requests are waiting as this service lets wait."),
    Reason.BYTES_FULL: (
        "No room for this request",
        "The requests and answers held here fill the space there is for them.",
    ),
    Reason.CLIENT_FULL: (
        "Too much from one client",
        "Your requests hold as much of the line, or of the space for bodies, as one client may.",
    ),
    Reason.WAITED_TOO_LONG: ("Waited too long", "The request stood in line, and no backend became free in time."),
    Reason.NOTHING_CAME_UP: (
        "Nothing came up in time",
        "The request waited for a backend to start, and none did in time.",
    ),
    Reason.CLIENT_LIMIT: (
        "Your waiting time is over",
        "No backend became free within the time the request would wait.",
    ),
    Reason.STARTS_FAIL: ("Backends fail to start", "No backend is ready, and the last ones died while starting."),
    Reason.NO_BACKEND: ("No backend is ready", "This request does not start one; a request for real work does."),
    Reason.EXPELLED: ("Taken out of the line", "An operator of this service ended the request's wait."),
    Reason.STOPPING: ("The gateway is stopping", "It takes no new requests."),
}

_BROKEN = {
    Ending.BACKEND_BROKE_BEFORE_ANSWER: (
        502,
        "The backend broke off",
        "The backend took the request and closed the connection without an answer. It may have begun the work, so the "
        "request is not sent any more. Repeat it if doing it twice does no harm.",
    ),
    Ending.BACKEND_BAD_ANSWER: (
        502,
        "The backend's answer is not valid",
        "The backend answered, but not with valid HTTP, so the answer was not passed on. The work may have been done.",
    ),
    Ending.BACKEND_SLOW_ANSWER: (
        504,
        "The backend took too long",
        "The backend took the request and did not begin to answer in time. It may still be working on it.",
    ),
    Ending.STOPPED_BEFORE_ANSWER: (
        504,
        "The gateway stopped",
        "The gateway had to stop before the backend answered. The work may have been done.",
    ),
    Ending.INTERNAL_ERROR: (
        500,
        "An error in the gateway",
        "The gateway failed on this request. Its log has the details under the request id.",
    ),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A failure as the client is told of it."""

    status: int
    reason: str  # stable, for programs
    title: str  # for people
    detail: str
    retry_after: int | None = None  # seconds
    close: bool = False  # the connection cannot be used any more
    position: int | None = None  # place in line on arrival, where it had one
    headers: tuple[Header, ...] = ()  # that belong to its status
    evidence: str = ""  # for the access line, where its reason says too little


class Answer(NamedTuple):
    """A whole answer, ready to be sent."""

    status: int
    headers: list[Header]
    body: bytes


def problem_for(error: EdgeError) -> Problem:
    """The answer to a request that was not started."""
    match error:
        case Refused():
            return _refused(error.refusal, error.place)
        case NoRoute():
            detail = (
                f'Nothing here serves the host "{_shown(error.host)}" and this path. Check the URL and the Host header.'
            )
            return Problem(404, "no_route", "Nothing is served here", detail)
        case Withdrawn():
            detail = "This session asked to stop the request while it stood in line. Nothing was started."
            return Problem(409, "withdrawn", "Taken out of the line", detail)
        case DeniedClick():
            detail = "This button would restart or change the server for everybody. The server's own port takes it."
            return Problem(403, "denied", "Not allowed", detail)
        case Denied():
            return Problem(403, "denied", "Not allowed", "The rules of this service forbid this method and path.")
        case Unauthorised():
            return _unauthorised(error)
        case TooManyWaiting():
            detail = (
                f"{error.limit:,} requests of your key are waiting, as many as may. Nothing was started. Send fewer at "
                f"once, or try again in {RETRY_UNKNOWN} s."
            )
            return Problem(429, "too_many_of_key", "Too many of your requests wait", detail, retry_after=RETRY_UNKNOWN)
        case UnknownVersion():
            detail = f"Websockets are spoken in version {VERSION.decode()} here. Say so in Sec-WebSocket-Version."
            told = ((b"sec-websocket-version", VERSION),)
            return Problem(426, "websocket_version", "Another version of websocket", detail, headers=told)
        case BadHandshake():
            detail = "A websocket handshake must have one Sec-WebSocket-Key: 16 bytes in base64."
            return Problem(400, "bad_handshake", "The handshake is not valid", detail)
        case BadMessage():
            return Problem(400, "bad_message", "The message is not valid", "It is not what the protocol wants here.")
        case ForeignOrigin():
            detail = _foreign(error)
            return Problem(403, "foreign_origin", "Not from this page", detail, evidence=f"foreign_origin: {detail}")
        case BodyTooLarge():
            return Problem(413, "body_too_large", "The body is too large", _too_large(error), close=True)
        case BodyTooSlow():
            came = (
                f"{error.received:,} bytes of the body came in the {error.waited:.1f} seconds that were waited for it."
            )
            detail = f"{came} Send it faster, and without long pauses."
            return Problem(408, "body_too_slow", "The body came too slowly", detail, close=True)
        case ClientLeft():
            return Problem(CLIENT_CLOSED_REQUEST, "client_left", "The client left", "Nobody waits for it.", close=True)
        case _:
            raise TypeError(f"no answer is known for {error!r}") from error


def _unauthorised(error: Unauthorised) -> Problem:
    found = "Nobody here knows the key that the request brings." if error.brought else "The request brings no key."
    detail = f"{found} Send it as Authorization: Bearer KEY, as X-API-Key: KEY, or as the password of Basic."
    challenges = ((b"www-authenticate", b'Bearer realm="gateway"'), (b"www-authenticate", b'Basic realm="gateway"'))
    return Problem(401, "unauthorised", "A key is needed", detail, headers=challenges)


def problem_after(ending: Ending) -> Problem:
    """What a request is answered that was started and ended so, before an answer had begun. KeyError for others."""
    status, title, detail = _BROKEN[ending]
    return Problem(status, ending.name.lower(), title, detail)


def is_page_load(method: str, accept: bytes | None) -> bool:
    """Somebody looks at it: browsers name text/html only where they will show what comes."""
    return method == "GET" and accept is not None and b"text/html" in accept.lower()


def render(
    problem: Problem,
    *,
    request_id: str,
    for_people: bool = False,
    pool: str | None = None,
    body_unread: bool = False,
    ours: Sequence[Header] = (),
    also: Mapping[str, object] = MappingProxyType({}),
) -> Answer:
    """The answer to send: RFC 9457's JSON, or a page. `also`: members of the JSON besides, in the words of the backend.

    `body_unread`: the request's body was not read to its end, so the connection cannot go on. `ours`: further headers.
    """
    if for_people:
        kind, body = b"text/html; charset=utf-8", page(problem.title, problem.detail, problem.retry_after, request_id)
    else:
        kind, body = b"application/problem+json", _json(problem, request_id, pool, also)
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id.encode()),
    ]
    if problem.retry_after is not None:
        headers.append((b"retry-after", str(problem.retry_after).encode()))
    if problem.position is not None:
        headers.append((b"x-queue-position", str(problem.position).encode()))
    if problem.close or body_unread:
        headers.append((b"connection", b"close"))
    return Answer(problem.status, [*headers, *problem.headers, *ours], body)


def _refused(refusal: Refusal, place: int | None) -> Problem:
    title, found = _REFUSED[refusal.reason]
    if refusal.reason is Reason.NO_BACKEND and refusal.detail:  # work would not start one that listens and fails
        found = "No backend passes its readiness probe."
    evidence = f' Seen: "{_shown(refusal.detail, _SHOWN_OF_EVIDENCE)}".' if refusal.detail else ""
    detail = f"{found}{evidence} Nothing was started. Try again in {refusal.retry_after} s."
    return Problem(
        503,
        refusal.reason.value,
        title,
        detail,
        retry_after=refusal.retry_after,
        close=refusal.reason is Reason.STOPPING,
        position=place,
    )


def _too_large(error: BodyTooLarge) -> str:
    found = "more than that came" if error.declared is None else f"this one has {error.declared:,}"
    return f"A body may have {error.limit:,} bytes here; {found}. Send less."


def _foreign(error: ForeignOrigin) -> str:
    origin, host = _shown(error.origin), _shown(error.host)
    found = f'The page is of "{origin}", which is not the host asked for ("{host}").'
    return f"{found} This service's allowed_origins can list it."


def _json(problem: Problem, request_id: str, pool: str | None, also: Mapping[str, object]) -> bytes:
    members: dict[str, object] = {
        "type": f"urn:problem-type:gateway:{problem.reason}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "reason": problem.reason,
        "retry_after": problem.retry_after,
        "position": problem.position,
        "pool": pool,
        "request_id": request_id,
        **also,
    }
    return json.dumps({name: value for name, value in members.items() if value is not None}).encode() + b"\n"


def _shown(text: str, length: int = _SHOWN_OF_CLIENT_STRINGS) -> str:
    return text if len(text) <= length else text[:length] + "…"
