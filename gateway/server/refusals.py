"""The requests that the listening side refuses before any application code runs, and their answers.

`reason` is a label of a metric: one of a closed set, never a client's string. `do` is what the log advises.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from gateway.server.phrases import phrase


@dataclass(frozen=True, slots=True)
class Refusal:
    """One kind of request that is not served."""

    reason: str
    status: int
    detail: str
    fields: tuple[bytes, ...] = ()  # further field lines of the answer
    do: str = "nothing, if it is a stranger; else look at what that client or proxy sends"


class Refused(Exception):
    """A request is refused; nothing more is read from its connection."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


MALFORMED = Refusal("malformed", 400, "The request is not well-formed HTTP/1.1.")
BAD_HOST = Refusal("bad_host", 400, "The request must carry exactly one valid Host field.")
BAD_FRAMING = Refusal("bad_framing", 400, "The length of the request's body is not stated in exactly one valid way.")
BAD_TARGET = Refusal("bad_target", 400, "The request target must be a path, or an http(s) URL of the host asked.")
BAD_CHUNK = Refusal("bad_chunk", 400, "The request's chunked body is malformed.")
SMALL_CHUNKS = Refusal(
    "small_chunks", 400, "The request's body comes in chunks that are too small: send 32 bytes a chunk on average."
)
BAD_METHOD = Refusal(
    "bad_method",
    405,
    "This method is not served here.",
    (b"allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",),
)
UNKNOWN_METHOD = Refusal(
    "unknown_method",
    501,
    "This method is not known here. Methods are written in capitals; HTTP's own and those of WebDAV pass to the pods.",
)
TLS_HERE = Refusal(
    "tls",
    400,
    "TLS is not spoken on this port.",
    do="end TLS in the load balancer, and let it speak plain HTTP/1.1 to this port",
)
HTTP2_HERE = Refusal(
    "http2", 400, "HTTP/2 is not spoken on this port.", do="let the load balancer speak HTTP/1.1 to this port"
)
PROXY_HEADER_HERE = Refusal(
    "proxy_header",
    400,
    "A PROXY header is not expected from this address.",
    do="set listen.proxy_protocol and name the sender in trusted_proxies, or let it send none",
)
NO_PROXY_HEADER = Refusal(
    "no_proxy_header",
    400,
    "The connection must begin with a PROXY header.",
    do="let the trusted proxy send one, with its health checks, too, or unset listen.proxy_protocol",
)
BAD_PROXY_HEADER = Refusal(
    "bad_proxy_header", 400, "The PROXY header is malformed.", do="look at what the trusted proxy sends"
)
HEAD_TOO_SLOW = Refusal(
    "head_too_slow",
    408,
    "The request's header did not arrive in time.",
    do="raise timeouts.headers if such clients are to be served",
)
TARGET_TOO_LONG = Refusal("target_too_long", 414, "The request target is too long.")
HEADERS_TOO_LARGE = Refusal("headers_too_large", 431, "The request's header fields are too many or too large.")
CONNECTIONS_FULL = Refusal(
    "connections_full",
    503,
    "All connections are taken. Nothing was started. Try again in 5 s.",
    (b"retry-after: 5",),
    do="at the traffic port: raise listen.max_connections, or the limit of descriptors",
)
ADDRESS_FULL = Refusal(
    "address_full",
    503,
    "Your address has as many connections as one may have. Nothing was started. Try again in 5 s.",
    (b"retry-after: 5",),
    do="at the traffic port: add a proxy to trusted_proxies, or raise listen.max_connections_per_address",
)

#: Every refusal that there is.
REFUSALS = (
    MALFORMED,
    BAD_HOST,
    BAD_FRAMING,
    BAD_TARGET,
    BAD_CHUNK,
    SMALL_CHUNKS,
    BAD_METHOD,
    UNKNOWN_METHOD,
    TLS_HERE,
    HTTP2_HERE,
    PROXY_HEADER_HERE,
    NO_PROXY_HEADER,
    BAD_PROXY_HEADER,
    HEAD_TOO_SLOW,
    TARGET_TOO_LONG,
    HEADERS_TOO_LARGE,
    CONNECTIONS_FULL,
    ADDRESS_FULL,
)


def problem_body(status: int, detail: str, request_id: str) -> bytes:
    """A problem details object (RFC 9457)."""
    problem = {"type": "about:blank", "title": phrase(status), "status": status, "detail": detail}
    problem["request_id"] = request_id
    return json.dumps(problem).encode()


def refusal_answer(refusal: Refusal, request_id: str, date: bytes) -> bytes:
    """The whole answer, head and body; the connection ends with it. `date` is a field line without its end."""
    body = problem_body(refusal.status, refusal.detail, request_id)
    lines = (
        b"HTTP/1.1 %d %b" % (refusal.status, phrase(refusal.status).encode()),
        b"content-type: application/problem+json",
        b"content-length: %d" % len(body),
        b"x-request-id: " + request_id.encode(),
        date,
        *refusal.fields,
        b"connection: close",
        b"",
        body,
    )
    return b"\r\n".join(lines)
