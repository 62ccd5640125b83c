"""What the SDK has to say about itself (the collector is down, spans are dropped), as events of ours: one a minute and
no more, for it says so of each batch. Says nothing of requests."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from gateway.logs.rate_limit import LogRateLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Seconds between two of them.
EVERY = 60.0

_KIND = "tracing_trouble"


class Complaints(logging.Handler):
    """Any thread may call. `clock`: seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.WARNING)
        self._clock = clock
        self._ration = LogRateLimit(period=EVERY, most=1)

    def emit(self, record: logging.LogRecord) -> None:
        """Called by the SDK's loggers."""
        unsaid = self._ration.admit(_KIND, hash(_KIND), self._clock())
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
def complaints() -> Iterator[None]:
    """Inside, the SDK's loggers speak through one; behind, what is left of the SDK has nobody to speak to."""
    logger = logging.getLogger("opentelemetry")
    logger.propagate = False
    logger.handlers[:] = [Complaints()]
    try:
        yield
    finally:
        logger.handlers[:] = [logging.NullHandler()]
