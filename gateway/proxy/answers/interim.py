"""Interim answers (RFC 9110 15.2): 102 Processing, again and again, to waiting clients that hang up on silence; and who
is spared a pod's 103.

A client reads on behind one, and the final status is open still (RFC 2518 10.1). Only those get a 102 that are known to
need it, for proxies between us that are not prepared for it are older than these. A pod's own 103 goes to all but those
that are known to take it for the answer.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Seconds of silence. `gradio_client` posts an event with httpx' own limit of 5: a Gradio without a gateway would have
#: answered at once.
EVERY = 3.0

#: Before 0.7.2 it used `requests`, which waits without a limit, and takes a 102 for the answer.
_IMPATIENT = re.compile(rb"gradio_client/(?!0\.(?:[0-6]|7\.[01])(?![0-9]))")

#: So does all that is built on Python's http.client, of which a 100 alone is skipped.
_TAKES_ANY = re.compile(
    rb"(?:python-requests|python-urllib3|Python-urllib)/|gradio_client/0\.(?:[0-6]|7\.[01])(?![0-9])"
)


class Assured(Protocol):
    """See `request_body.Client`."""

    def assure(self) -> None: ...


class InterimAnswers:
    """Use as `with`: for as long as the client is in line."""

    __slots__ = ("_client", "_loop", "_timer")

    def __init__(self, client: Assured) -> None:
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self._timer = self._loop.call_later(EVERY, self._assure)
        return self

    def __exit__(self, *raised: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _assure(self) -> None:
        self._client.assure()
        self._timer = self._loop.call_later(EVERY, self._assure)


def reads_on(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a client that is told 103 goes on to the answer, as far as is known."""
    return not any(name == b"user-agent" and _TAKES_ANY.match(value) for name, value in headers)


def is_impatient(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a client would hang up on silence."""
    return any(name == b"user-agent" and _IMPATIENT.match(value) for name, value in headers)
