"""What can go wrong with a backend, by what the backend may have begun.

The class alone decides on retries and status codes; the message is evidence for people: the address and what
was seen. It never carries a request's own strings.
"""

from __future__ import annotations


class UpstreamError(Exception):
    """An exchange with a backend failed."""

    def __init__(self, address: str, seen: str) -> None:
        super().__init__(f"{address}: {seen}")


class NotSent(UpstreamError):
    """No byte was written (refused, unreachable, no connection in time): a request of any method may be sent
    elsewhere."""


class BrokeBeforeHead(UpstreamError):
    """The connection ended after a byte was written and before a single byte of an answer came.

    An idempotent request may be sent again, and if `Exchange.reused` was true it should be: the backend most likely
    closed an idle connection while the request was on its way. A body that came from an iterator is spent by then.
    """


class BadAnswer(UpstreamError):
    """The answer is not HTTP, its framing must not be passed on, or its head was never finished."""


class CutShort(UpstreamError):
    """The answer's head came whole, its body did not: what was passed on must not look complete."""


class WrongLength(UpstreamError):
    """The request's body was given up, or was not as long as announced: the request was cut, not ended."""
