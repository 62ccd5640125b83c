"""Log records of OpenTelemetry's SDK (the collector is down, spans are dropped), as events of the gateway: at
most one a minute, as the SDK logs one for each batch.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from gateway.logs.rate_limit import LogRateLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Seconds between two events.
EVERY = 60.0

_KIND = "tracing_trouble"


class SdkLogHandler(logging.Handler):
    """A handler for the SDK's loggers. Any thread may call. `clock`: seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.WARNING)
        self._clock = clock
        self._rate_limit = LogRateLimit(period=EVERY, most=1)

    def emit(self, record: logging.LogRecord) -> None:
        """Called by the SDK's loggers."""
        unsaid = self._rate_limit.admit(_KIND, hash(_KIND), self._clock())
        if unsaid is None:
            return
        structlog.get_logger().warning(
            _KIND,
            what=record.getMessage(),
            why=repr(record.exc_info[1]) if record.exc_info else None,
            others=unsaid,
            means="spans are late or lost, requests are not",
            do="see that a collector listens at tracing.endpoint and takes what it is sent",
        )


@contextmanager
def sdk_log() -> Iterator[None]:
    """Inside, the SDK's loggers use the handler above; afterwards the SDK's records are dropped."""
    logger = logging.getLogger("opentelemetry")
    logger.propagate = False
    logger.handlers[:] = [SdkLogHandler()]
    try:
        yield
    finally:
        logger.handlers[:] = [logging.NullHandler()]
