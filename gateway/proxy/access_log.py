"""The access line: one for each request, when it has ended. Owns what stands in it and how client strings are made
harmless; where the line goes is `line_writer.py`'s. Cookies, secrets and bodies never come here.

It is on the path of each request: so JSON is encoded by an encoder made once, and no chain of processors is walked.
"""

from __future__ import annotations

import json
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.record import RequestRecord

# What a client may take of a line, in characters of its own, before they are escaped.
_TARGET, _HOST, _DETAIL, _WORD = 512, 255, 512, 128


class AccessLog:
    """Renders records to lines. `write` takes a line without its end and must neither block nor raise."""

    def __init__(self, write: Callable[[str], None], *, console: bool = False) -> None:
        """`console`: for people; else a JSON object a line."""
        self._write = write
        self._render = _for_people() if console else _for_machines()

    def observe(self, record: RequestRecord) -> None:
        """Write one ended request's line."""
        self._write(self._render(_fields(record)))


def _fields(record: RequestRecord) -> dict[str, Any]:
    """Every key is always there, whatever happened. Times are seconds."""
    ending, lane = record.ending, record.lane
    return {
        "event": "request",
        "request_id": _harmless(record.request_id, _WORD),
        "client": _harmless(record.client, _WORD),
        "method": _harmless(record.method, _WORD),
        "host": _harmless(record.host, _HOST),
        "target": _harmless(record.target.decode("latin-1"), _TARGET),
        "status": record.status,
        "code": ending.value if ending else None,
        "outcome": ending.outcome.value if ending else None,
        "pool": record.pool,
        "lane": lane.value if lane else None,
        "backend": record.backend,
        "session": record.session,
        "place": record.place,
        "receipt": _harmless(record.receipt, _DETAIL) or None,
        "turns": record.turns,
        "wait": round(record.waited, 6),
        "service": None if record.service is None else round(record.service, 6),
        "total": round(record.ended_at - record.started_at, 6),
        "bytes_in": record.bytes_in,
        "bytes_out": record.bytes_out,
        "detail": _harmless(record.detail, _DETAIL),
    }


def _harmless(text: str, limit: int) -> str:
    """Printable ASCII: anything else, and the backslash, as an escape. `...` at the end: it was longer than this."""
    if len(text) <= limit and text.isascii() and text.isprintable() and "\\" not in text:
        return text  # nearly always, and three times faster
    shown = text[:limit].encode("unicode_escape").decode("ascii")
    return shown if len(text) <= limit else shown + "..."


def _for_machines() -> Callable[[dict[str, Any]], str]:
    """The event log's shape, without structlog: its chain of processors costs more than the line."""
    encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

    def render(fields: dict[str, Any]) -> str:
        fields["timestamp"] = _utc_now()
        return encode(fields)

    return render


def _for_people() -> Callable[[dict[str, Any]], str]:
    render = structlog.dev.ConsoleRenderer(colors=False, sort_keys=False, pad_event_to=0)

    def without_blanks(fields: dict[str, Any]) -> str:
        shown = {key: value for key, value in fields.items() if value not in (None, "")}
        return render(None, "", {"timestamp": time.strftime("%H:%M:%S"), **shown})

    return without_blanks


def _utc_now() -> str:
    now = time.time()
    return f"{_utc_second(int(now))}.{int(now % 1 * 1_000_000):06d}Z"


@lru_cache(2)
def _utc_second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
