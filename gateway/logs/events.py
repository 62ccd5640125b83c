"""How events are written: to standard error, one line each, ours by structlog and others' (uvicorn, asyncio) by the
standard library, through the same processors. Access lines are not events: they go to standard output by
`access_log.py`.

A warning, and an error, says what was found and, as `do`, what to do. The same one is written once in a while, however
often it comes (`rate_limit.py`); the next of its kind says as `suppressed` how many were not.

Tracebacks never show local variables: cookies and keys live in those.
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

#: They tell of each request at `info` or below: of our probes, and of clients in the clients' own raw words.
_CHATTY = ("httpx", "httpcore", "uvicorn.access", "websockets")

#: What a terminal would obey, save new lines and tabs: tracebacks have those.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def is_console(chosen: Format, stream: TextIO) -> bool:
    """Whether lines to `stream` are for people: as chosen, or, if `auto`, because it is a terminal."""
    return chosen == "console" or (chosen == "auto" and stream.isatty())


#: What does not make one warning another than the one before: whose request it was, and numbers of the moment.
_OF_THE_MOMENT = frozenset(("request_id", "client", "retry_in", "kept", "exc_info"))


def configure(
    chosen: Format = "auto",
    level: Level = "info",
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Send all events of `level` and above to `stream` (standard error). May be called again; the last call holds.
    `clock`: seconds, by which warnings are rationed."""
    stream = sys.stderr if stream is None else stream
    shared = _shared()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            _rationed(LogRateLimit(), clock),
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
    """Inside, events go to `write`, without their line ends, and not to the stream: one that nobody reads would hold up
    whoever has something to say. `write` must neither block nor raise."""
    root = logging.getLogger()
    before = list(root.handlers)
    handler = logging.StreamHandler(_Lines(write))
    handler.setFormatter(before[0].formatter if before else None)
    root.handlers[:] = [handler]
    try:
        yield
    finally:
        root.handlers[:] = before


class _Lines:
    """What a handler takes for a stream: it writes each event with its line end, and flushes it."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def write(self, text: str) -> None:
        self._write(text.removesuffix("\n"))

    def flush(self) -> None:
        pass


def _rationed(ration: LogRateLimit, clock: Callable[[], float]) -> Processor:
    """Of our own events alone: others' have no kind."""

    def process(_logger: object, method: str, event: EventDict) -> EventDict:
        if method not in ("warning", "error", "exception"):
            return event
        swallowed = ration.admit(event["event"], _sameness(event), clock())
        if swallowed is None:
            raise structlog.DropEvent
        if swallowed:
            event["suppressed"] = swallowed
        return event

    return process


def _sameness(event: EventDict) -> int:
    """Of an exception, its type: what it says may quote a request."""
    error = type(sys.exc_info()[1]).__qualname__ if event.get("exc_info") else ""
    said = tuple((key, str(value)) for key, value in event.items() if key not in _OF_THE_MOMENT)
    return hash((error, said))


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
    """What is printed as it is may quote a client or a backend."""
    for key in event.keys() & {"event", "exception"}:
        event[key] = _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], str(event[key]))
    return event
