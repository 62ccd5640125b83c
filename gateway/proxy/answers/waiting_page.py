"""The page that a browser gets at once while no backend is up, where it would seem to hang.

It stands in for the request that would be held: as long as it is open and asks, its pool has demand for a backend
(`Pool.watch_start`), and when there is one the browser loads what it wanted. Programs are held as ever, and so is what
a page loads besides itself. 503, as for everything that was not done yet: no cache and no search engine keeps it.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from gateway.core.line.expected_wait import retry_after
from gateway.core.records.lanes import Lane
from gateway.proxy.answers.problems import Answer, is_page_load
from gateway.proxy.answers.waiting_page_text import AUTO, POLICY, POLL, fill
from gateway.proxy.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.core.backends.health import Starts
    from gateway.core.pool import Pool
    from gateway.proxy.headers.forwarded import Header
    from gateway.runtime.driver import Driver


_WAKING = (Lane.COUNTED, Lane.EXEMPT)

#: What a browser asks for by itself, for any page that names no icon of its own.
ICON = "/favicon.ico"


class Start(NamedTuple):
    """A cold start, for people."""

    state: str
    expected: str
    progress: float | None  # from 0 to 1; None: nothing was measured yet
    left: float | None  # seconds that it is expected to take still


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """One pool's. `template`: see `waiting_page_text`."""

    template: str = AUTO

    def instead(
        self, driver: Driver, lane: Lane, method: str, headers: Iterable[Header], request_id: str
    ) -> Answer | None:
        """What to answer a request that would be held; None: go on, which is nearly always. Raises Refused if the
        start is hopeless, or the gateway stops."""
        pool = driver.pool
        if not (pool.is_cold or pool.counts.starts_watched) or method != "GET":
            return None
        if lane not in _WAKING:
            return None  # it wakes nothing, so there would be nothing to tell of
        is_poll = POLL in headers
        if not pool.waits_for_start:
            return _answer_to_poll(200, "ready", b"{}", request_id) if is_poll else None
        if not is_poll and not _is_opened(method, headers):
            return None
        if (refusal := driver.watch_start()) is not None:
            raise Refused(refusal)
        start = start_of(pool, driver.clock())
        if is_poll:
            return _told(start, request_id)
        return self._page("Not ready" if pool.unready_because else "Starting …", start, request_id)

    def _page(self, heading: str, start: Start, request_id: str) -> Answer:
        told = {"heading": heading, "state": start.state, "expected": start.expected, "request_id": request_id}
        body = fill(self.template, progress=start.progress, **told)
        headers = _headers(b"text/html; charset=utf-8", body, request_id)
        headers.append((b"retry-after", str(retry_after(start.left)).encode()))
        if self.template is AUTO:
            headers.append((b"content-security-policy", POLICY))
        return Answer(503, headers, body)


def is_beside(pool: Pool, lane: Lane) -> bool:
    """The icon is asked for because somebody looks at the page: nobody wants it as work, so it must not be waited for,
    nor start a backend when the page is closed."""
    return lane in _WAKING and pool.starts.watched_until is not None and pool.waits_for_start


def start_of(pool: Pool, now: float) -> Start:
    """The cold start of a pool without a ready backend."""
    elapsed, usual = pool.cold_for(now), pool.estimates.cold_start
    passed = f"{_seconds(elapsed)} {'has' if _whole(elapsed) == 1 else 'have'} passed"
    if usual is None:
        return Start(
            _state(pool, now), f"No start was measured yet, so nobody knows how long it takes. {passed}.", None, None
        )
    progress = min(1.0, elapsed / usual) if usual > 0 else 1.0
    expected = f"It usually takes about {_seconds(usual)}. {passed}."
    return Start(_state(pool, now), expected, round(progress, 3), pool.cold_left(now))


def _state(pool: Pool, now: float) -> str:
    starting = len(pool.starting())
    if evidence := pool.unready_because:
        said = f"No backend is ready ({evidence})."
    elif starting:
        said = "One backend is starting." if starting == 1 else f"{starting} backends are starting."
    else:
        said = "A backend has been asked for."
    return said + _failures(pool.starts, now, starting)


def _failures(starts: Starts, now: float, starting: int) -> str:
    if not starts.failures:
        return ""
    which = "The last start" if starts.failures == 1 else f"The last {starts.failures} starts"
    evidence = f" ({starts.evidence})" if starts.evidence else ""
    left = _whole(max(1.0, starts.next_at - now))
    return f" {which} failed{evidence}." + ("" if starting else f" The next attempt is in {_seconds(left)}.")


def _seconds(seconds: float) -> str:
    whole = _whole(seconds)
    return f"{whole} second{'' if whole == 1 else 's'}"


def _whole(seconds: float) -> int:
    return math.floor(seconds + 0.5)


def _told(start: Start, request_id: str) -> Answer:
    told = {"state": start.state, "expected": start.expected, "progress": start.progress}
    return _answer_to_poll(200, "waiting", json.dumps(told).encode(), request_id)


def _answer_to_poll(status: int, word: str, body: bytes, request_id: str) -> Answer:
    headers = _headers(b"application/json", body, request_id)
    headers.append((POLL[0], word.encode()))
    return Answer(status, headers, body)


def _headers(kind: bytes, body: bytes, request_id: str) -> list[Header]:
    return [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id.encode()),
    ]


def _is_opened(method: str, headers: Iterable[Header]) -> bool:
    """Somebody opens it in a browser. Newer ones say whether it is for a page of theirs (Fetch Metadata)."""
    accept = mode = None
    for name, value in headers:
        if name == b"accept":
            accept = value
        elif name == b"sec-fetch-mode":
            mode = value
    return is_page_load(method, accept) and mode in (None, b"navigate")
