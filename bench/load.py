"""The load: clients on raw sockets, each with one connection and one request at a time. Measures; judges nothing.

It shares its core with the pods, so it does as little as it can: answers must carry a Content-Length, and of their
heads only that, the status and the cookie are looked at.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from bench.children import CannotMeasure

if TYPE_CHECKING:
    from collections.abc import Sequence

Address = tuple[str, int]

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_COOKIE = re.compile(rb"\r\nset-cookie: *([^;\r]+)", re.IGNORECASE)

#: Seconds after its end that a volley waits for the answers which are still to come.
_LAST_ANSWERS = 20.0


@dataclass(slots=True)
class Volley:
    """What came of one run."""

    seconds: float = 0.0  # from the first request to the last answer
    latencies: list[float] = field(default_factory=list)  # seconds, of answers with status 200
    failed: int = 0  # other answers, and requests whose connection ended

    @property
    def answers(self) -> int:
        """Those with status 200."""
        return len(self.latencies)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds


def request_bytes(method: str, path: str, body: bytes | None = None) -> bytes:
    """A request such as API clients send."""
    lines = [f"{method} {path} HTTP/1.1", "host: gateway.example", "user-agent: bench", "accept: */*"]
    if body is not None:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join((*lines, "", "")).encode() + (body or b"")


async def drive(
    addresses: Sequence[Address], request: bytes, *, clients: int, seconds: float, keep_cookies: bool = False
) -> Volley:
    """So many clients, spread over the addresses, send as fast as they are answered.

    `keep_cookies`: each sends back the first cookie it is given; else each of its requests is a newcomer's. Raises
    CannotMeasure if a client cannot connect, if nothing is answered, or if the last answers do not come.
    """
    loop = asyncio.get_running_loop()
    volley = Volley()
    every: list[_Client] = []
    try:
        for number in range(clients):
            _, client = await loop.create_connection(
                lambda: _Client(volley, request, keep_cookies), *addresses[number % len(addresses)]
            )
            every.append(client)
        began = time.perf_counter()
        for client in every:
            client.begin(until=began + seconds)
        async with asyncio.timeout(seconds + _LAST_ANSWERS):
            await asyncio.gather(*(client.over for client in every))
        volley.seconds = time.perf_counter() - began
    except TimeoutError as error:
        raise CannotMeasure(f"answers did not come within {_LAST_ANSWERS:g} s") from error
    except OSError as error:
        raise CannotMeasure(f"no connection: {error}") from error
    finally:
        for client in every:
            client.close()
    if not volley.answers:
        raise CannotMeasure(f"not one of {volley.failed} requests was answered with 200")
    return volley


class _Client(asyncio.Protocol):
    def __init__(self, volley: Volley, request: bytes, keep_cookies: bool) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._volley = volley
        self._request = request
        self._wants_cookie = keep_cookies
        self._unread = b""  # the head, until it is whole
        self._missing = 0  # bytes of the body that are still to come
        self._good = False
        self._until = 0.0
        self._sent_at = 0.0

    def begin(self, *, until: float) -> None:
        """Send, and again after each answer until that time is over."""
        self._until = until
        self._send()

    def close(self) -> None:
        """Hang up."""
        if not self.over.done():
            self.over.cancel()
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            data = self._unread + data
            head_end = data.find(b"\r\n\r\n")
            if head_end < 0:
                self._unread = data
                return
            self._unread = b""
            self._begins(data, head_end)
        if self._missing <= 0:
            self._answered()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self._volley.failed += 1
            self.over.set_result(None)

    def _begins(self, data: bytes, head_end: int) -> None:
        length = _LENGTH.search(data, 0, head_end)
        self._missing = head_end + 4 + (int(length[1]) if length else 0) - len(data)
        self._good = data.startswith(b"200", 9)
        if self._wants_cookie and (cookie := _COOKIE.search(data, 0, head_end)):
            self._wants_cookie = False
            self._request = self._request.replace(b"\r\n", b"\r\ncookie: " + cookie[1] + b"\r\n", 1)

    def _answered(self) -> None:
        now = time.perf_counter()
        if self._good:
            self._volley.latencies.append(now - self._sent_at)
        else:
            self._volley.failed += 1
        if now < self._until:
            self._send()
        elif not self.over.done():
            self.over.set_result(None)

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._request)
