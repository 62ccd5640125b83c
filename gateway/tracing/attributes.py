"""The attributes of a request's span: OpenTelemetry's names for HTTP servers where there is one, else the names
of the access line behind `gateway.`. Strings of clients are cut. The query is left out, as it may hold secrets;
cookies, headers and bodies never come here.

Names: https://opentelemetry.io/docs/specs/semconv/http/http-spans/ (stable).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.records.decisions import Ending, Outcome
from gateway.core.routing import bare_host

if TYPE_CHECKING:
    from gateway.core.views.record import RequestRecord

Value = str | int | float

#: Characters of a client's strings in a span, as in the access line.
_PATH, _HOST, _DETAIL, _WORD = 512, 255, 512, 128

#: The methods of RFC 9110 and RFC 5789. Others are made up by clients, and would make span names without end.
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"))


def name_of(method: str) -> str:
    """The name of a request's span."""
    return method if method in _METHODS else "HTTP"


def attributes_of(record: RequestRecord, scheme: str) -> dict[str, Value]:
    """The attributes of an ended request's span, without those that have no value. Times are seconds."""
    ending, lane = record.ending, record.lane
    attributes = {
        "http.request.method": record.method if record.method in _METHODS else "_OTHER",
        "url.scheme": scheme,
        "url.path": cut(_path(record.target), _PATH),
        "server.address": cut(bare_host(record.host), _HOST),
        "client.address": cut(record.client, _WORD),
        "http.response.status_code": record.status,
        "http.request.body.size": record.bytes_in,
        "http.response.body.size": record.bytes_out,
        "gateway.request_id": cut(record.request_id, _WORD),
        "gateway.code": ending.value if ending else None,
        "gateway.outcome": ending.outcome.value if ending else None,
        "gateway.pool": record.pool,
        "gateway.lane": lane.value if lane else None,
        "gateway.backend": record.backend,
        "gateway.session": record.session,
        "gateway.key": record.key,
        "gateway.place": record.place,
        "gateway.receipt": cut(record.receipt, _DETAIL),
        "gateway.turns": record.turns,
        "gateway.wait": round(record.waited, 6),
        "gateway.service": None if record.service is None else round(record.service, 6),
        "gateway.detail": cut(record.detail, _DETAIL),
    }
    return {name: value for name, value in attributes.items() if value is not None and value != ""}


def failure_of(record: RequestRecord) -> tuple[str, str] | None:
    """The error type (one of a closed set) and a sentence. None: the request did not fail, or by its client's doing."""
    ending = record.ending or Ending.INTERNAL_ERROR
    is_cut = ending.outcome is Outcome.CUT
    if not is_cut and (record.status is None or record.status < 500):
        return None
    if ending is Ending.SERVED:
        return str(record.status), f"the backend answered {record.status}"
    word = ending.name.lower()
    return word, cut(record.detail, _DETAIL) or word.replace("_", " ")


def cut(text: str, limit: int) -> str:
    """The first `limit` characters, in what UTF-8 can encode: a lone surrogate would cost a whole batch of spans."""
    return text[:limit].encode("utf-8", "replace").decode("utf-8")


def _path(target: bytes) -> str:
    """The path of a target in origin form or, as proxies get it, in absolute form."""
    path = target.partition(b"?")[0]
    if not path.startswith(b"/") and b"://" in path:
        path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
    return path.decode("latin-1")
