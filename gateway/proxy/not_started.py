"""Recognises answers of a backend that took a request and did not begin it, so that it may be sent again.

Both are of Knative's queue-proxy, which stands in front of a pod's container (pkg/queue/handler.go of Knative Serving,
and network/error_handler.go of knative.dev/pkg):

    503 `pending request queue full`                    it has no place for one more
    502 `dial tcp 127.0.0.1:8080: connect: connection refused`
                                                        its container does not listen: it has died, or is not up yet

Without the second, a pod whose container has died would be the quickest of all, and eat the whole line.

A third is the profile's: its servers open their port before their routes are there, or work. They say so with a 404, or
with a 500 in words of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

#: Status and body of an answer -> the route is not there yet.
TooEarly: TypeAlias = Callable[[int, bytes], bool]

_QUEUE_FULL = b"pending request queue full"

#: The container shares the pod's address, so it is dialled on the loopback one. A refusal from anywhere else is that of
#: a proxy of the user's own, and says nothing of what was begun.
_NOBODY_LISTENS = re.compile(rb"dial tcp (?:127\.0\.0\.1|\[::1\]):\d{1,5}: connect: connection refused")

#: No such answer is longer. They are read whole before anything is passed on, so it is short.
_LONGEST = 80
_LONGEST_TOO_EARLY = 512


def may_say_so(status: int, length: int | None, *, too_early: TooEarly | None = None) -> bool:
    """Whether an answer with this head is worth reading whole before it is judged. `length` None: it is not known."""
    if length is None or length <= 0:
        return False
    if too_early is not None and status in (404, 500):
        return length <= _LONGEST_TOO_EARLY
    return status in (502, 503) and length <= _LONGEST


def says_so(status: int, body: bytes, *, too_early: TooEarly | None = None) -> bool:
    """Nothing was started."""
    if too_early is not None and too_early(status, body):
        return True
    said = body.strip()
    return said == _QUEUE_FULL if status == 503 else status == 502 and _NOBODY_LISTENS.fullmatch(said) is not None
