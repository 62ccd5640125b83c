"""What can go wrong between us and a backend, told by what the backend may have begun.

The caller decides on retries and status codes by the class alone; the message is evidence for people: which address,
what was seen. It never carries a request's own strings.
"""

from __future__ import annotations


class UpstreamError(Exception):
    """An exchange with a backend failed."""

    def __init__(self, address: str, seen: str) -> None:
        super().__init__(f"{address}: {seen}")


class NotSent(UpstreamError):
    """Certainly no byte was written (refused, unreachable, no connection in time): any method may be sent elsewhere."""


class BrokeBeforeHead(UpstreamError):
    """The connection ended after a byte was written and before a single byte of an answer came.

    An idempotent request may be sent again, and if `Exchange.reused` was true it should be: the backend most likely
    closed an idle connection while the request was on its way. A body that came from an iterator is spent by then.
    """


class BadAnswer(UpstreamError):
    """Not HTTP, framing that must not be passed on, or a head that was never finished: none of it is to be trusted."""


class CutShort(UpstreamError):
    """The answer's head came whole, its body did not. What was passed on must not be made to look complete."""


class WrongLength(UpstreamError):
    """The request's body was given up, or was not as long as announced. The request was cut, never ended cleanly."""
