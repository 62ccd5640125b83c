"""The access line: one for each request, when it has ended. Owns what stands in it and how client strings are made
harmless; where the line goes is `line_writer.py`'s. Cookies, secrets and bodies never come here.

It is on the path of each request, so the record goes through structlog as one object and is unfolded by the first
processor, and JSON is encoded by an encoder made once: about a third of the cost of the usual chain.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import EventDict, Processor

    from gateway.core.record import RequestRecord

# What a client may take of a line, in characters of its own, before they are escaped.
_TARGET, _HOST, _DETAIL, _WORD = 512, 255, 512, 128


class AccessLog:
    """Renders records to lines. `write` takes a line without its end and must neither block nor raise."""

    def __init__(self, write: Callable[[str], None], *, console: bool = False) -> None:
        """`console`: for people; else a JSON object a line."""
        self._log = structlog.wrap_logger(
            _Lines(write),
            processors=[_unfold, *(_for_people() if console else _for_machines())],
            wrapper_class=structlog.make_filtering_bound_logger("info"),
        ).bind()

    def observe(self, record: RequestRecord) -> None:
        """Write one ended request's line."""
        self._log.info("request", record=record)


class _Lines:
    """What structlog hands the finished line to."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.info = write


def _unfold(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Every key is always there, whatever happened. Times are seconds."""
    record: RequestRecord = event["record"]
    ending, lane = record.ending, record.lane
    return {
        "event": event["event"],
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


def _for_machines() -> list[Processor]:
    encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
    return [structlog.processors.TimeStamper(fmt="iso", utc=True), lambda _logger, _method, event: encode(event)]


def _for_people() -> list[Processor]:
    return [
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
        _without_blanks,
        structlog.dev.ConsoleRenderer(colors=False, sort_keys=False, pad_event_to=0),
    ]


def _without_blanks(_logger: object, _method: str, event: EventDict) -> dict[str, Any]:
    return {key: value for key, value in event.items() if value not in (None, "")}
