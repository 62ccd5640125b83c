"""Configures the log of events: one line each on standard error. The gateway's own come by structlog, those of
libraries (uvicorn, asyncio) by the standard library, through the same processors. Access lines go to standard
output (`access_log.py`).

A warning or an error says what was found and, as `do`, what to do about it. Repeated ones are rate-limited
(`rate_limit.py`); the next of the kind says as `suppressed` how many were left out.

Tracebacks never show local variables, as these hold cookies and keys.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter

from gateway.logs.rate_limit import LogRateLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from structlog.typing import EventDict, Processor

Format = Literal["json", "console", "auto"]
Level = Literal["debug", "info", "warning", "error"]

#: Loggers that log each request at `info` or below: probes of the gateway, and raw strings of clients.
_CHATTY = ("httpx", "httpcore", "uvicorn.access", "websockets")

#: Control characters, save new lines and tabs, which tracebacks have.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def is_console(chosen: Format, stream: TextIO) -> bool:
    """Whether lines to `stream` are for people: as chosen; `auto`: if it is a terminal."""
    return chosen == "console" or (chosen == "auto" and stream.isatty())


#: Fields in which two warnings may differ and still count as the same: the request, and numbers of the moment.
_OF_THE_MOMENT = frozenset(("request_id", "client", "peer", "retry_in", "kept", "exc_info"))


def configure(
    chosen: Format = "auto",
    level: Level = "info",
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Send all events of `level` and above to `stream` (standard error). May be called again; the last call holds.
    `clock`: seconds, for the rate limit of warnings."""
    stream = sys.stderr if stream is None else stream
    shared = _shared()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            _rate_limited(LogRateLimit(), clock),
            *shared,
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # so that a second call reaches loggers already made
    )
    handler = logging.StreamHandler(stream)  # swallows what a closed stream raises: no event breaks its sender
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                ProcessorFormatter.remove_processors_meta,
                *(_for_people(stream) if is_console(chosen, stream) else _for_machines()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


@contextmanager
def through(write: Callable[[str], None]) -> Iterator[None]:
    """Inside, events go to `write`, without their line ends, in place of the stream: a stream that nobody reads would
    block the event loop. `write` must neither block nor raise."""
    root = logging.getLogger()
    before = list(root.handlers)
    handler = logging.StreamHandler(_LineStream(write))
    handler.setFormatter(before[0].formatter if before else None)
    root.handlers[:] = [handler]
    try:
        yield
    finally:
        root.handlers[:] = before


class _LineStream:
    """A stream for a logging handler, which writes each event with its line end and flushes it."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def write(self, text: str) -> None:
        self._write(text.removesuffix("\n"))

    def flush(self) -> None:
        pass


def _rate_limited(rate_limit: LogRateLimit, clock: Callable[[], float]) -> Processor:
    """Rate-limits the gateway's own events; those of libraries have no kind."""

    def process(_logger: object, method: str, event: EventDict) -> EventDict:
        if method not in ("warning", "error", "exception"):
            return event
        suppressed = rate_limit.admit(event["event"], _identity_of(event), clock())
        if suppressed is None:
            raise structlog.DropEvent
        if suppressed:
            event["suppressed"] = suppressed
        return event

    return process


def _identity_of(event: EventDict) -> int:
    """What makes two events the same. Of an exception its type counts alone: its text may quote a request."""
    error = type(sys.exc_info()[1]).__qualname__ if event.get("exc_info") else ""
    fields = tuple((key, str(value)) for key, value in event.items() if key not in _OF_THE_MOMENT)
    return hash((error, fields))


def _shared() -> list[Processor]:
    return [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
    ]


def _for_machines() -> list[Processor]:
    return [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]


def _for_people(stream: TextIO) -> list[Processor]:
    return [
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
        structlog.processors.format_exc_info,
        _harmless,
        structlog.dev.ConsoleRenderer(
            colors=stream.isatty(),
            repr_native_str=True,  # values: shows control characters as escapes
            exception_formatter=structlog.dev.plain_traceback,
        ),
    ]


def _harmless(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Escapes control characters in what is printed as it is: it may quote a client or a backend."""
    for key in event.keys() & {"event", "exception"}:
        event[key] = _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], str(event[key]))
    return event
