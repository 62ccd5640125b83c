"""Probes: questions to a backend, each asked once. May it be given work? Does it still work? Which model has it
loaded?"""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

import anyio
import httpx
from anyio.abc import SocketAttribute

from gateway.probing.control_client import get

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Finding(enum.Enum):
    """The finding of a readiness probe."""

    PASS = "pass"
    FAIL = "fail"
    REFUSED = "refused"  # nobody listens: the one failure that says something of a busy backend, too


class Probe(Protocol):
    """A readiness probe."""

    @property
    def light(self) -> bool:
        """A busy backend may be asked: it takes nothing from the work."""

    async def __call__(self, address: str) -> Finding:
        """Ask the backend at "host:port"."""


class TcpProbe:
    """Passes when a connection can be opened within `timeout` seconds."""

    light = True

    def __init__(self, timeout: float = 1.0) -> None:
        self._timeout = timeout

    async def __call__(self, address: str) -> Finding:
        """Open a connection and close it."""
        host, _, port = address.rpartition(":")
        try:
            with anyio.fail_after(self._timeout):
                stream = await anyio.connect_tcp(host.strip("[]"), int(port))
        except OSError as error:
            return _failure(error)
        extra = stream.extra
        # A dial to a free port of this machine may be given that very port to dial from, and so reach itself.
        reached_itself = extra(SocketAttribute.local_address) == extra(SocketAttribute.remote_address)
        await stream.aclose()
        return Finding.REFUSED if reached_itself else Finding.PASS


class HttpProbe:
    """Passes when `accepts` likes the status and the body of the answer to a GET."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        path: str,
        accepts: Callable[[int, bytes], bool],
        *,
        light: bool,
        timeout: float = 1.0,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.light = light
        self._headers = headers
        self._client = client
        self._path = path
        self._accepts = accepts
        self._timeout = timeout

    async def __call__(self, address: str) -> Finding:
        """Send the GET and look at the answer."""
        try:
            reply = await get(self._client, address, self._path, self._timeout, self._headers)
        except (httpx.HTTPError, TimeoutError) as error:
            return _failure(error)
        return Finding.PASS if self._accepts(reply.status, reply.body) else Finding.FAIL


class FallbackProbe:
    """Asks `first`, and `second` where the route of the first is missing: for ever, which `never` says (by the same
    words), or for `after` seconds by now. One for each backend: it remembers since when the route was missing."""

    light = True

    def __init__(
        self,
        first: HttpProbe,
        second: HttpProbe,
        never: HttpProbe,
        is_missing: HttpProbe,
        *,
        after: float,
        clock: Callable[[], float],
    ) -> None:
        """`is_missing` asks the first route again, and passes if it is missing; `never` passes if it always will be."""
        self.light = first.light
        self._first = first
        self._second = second
        self._never = never
        self._is_missing = is_missing
        self._after = after
        self._clock = clock
        self._missing_since: float | None = None

    async def __call__(self, address: str) -> Finding:
        """Ask as much as is needed."""
        found = await self._first(address)
        if found is not Finding.FAIL or await self._is_missing(address) is not Finding.PASS:
            self._missing_since = None
            return found
        now = self._clock()
        since = self._missing_since = now if self._missing_since is None else self._missing_since
        if now - since < self._after and await self._never(address) is not Finding.PASS:
            return Finding.FAIL
        return await self._second(address)


class Idleness(enum.Enum):
    """The finding of an idle probe."""

    IDLE = "idle"
    BUSY = "busy"
    SILENT = "silent"  # no answer, or an error, which says neither
    CANNOT_BE_ASKED = "cannot be asked"  # it does not know the question, or does not let us ask


class IdleAnswer(NamedTuple):
    """The finding of an idle probe, and the evidence: what was asked, and what came."""

    found: Idleness
    evidence: str = ""


#: Answers that will not be others a second later.
_CANNOT_BE_ASKED = (401, 403, 404)

#: Characters of an answer that evidence has.
_SHOWN = 120


class IdlenessProbe:
    """Asks, by a GET, whether the backend still works on something."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        path: str,
        says_idle: Callable[[int, bytes], bool],
        *,
        timeout: float = 1.0,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._client = client
        self._path = path
        self._says_idle = says_idle
        self._timeout = timeout
        self._headers = headers

    async def __call__(self, address: str) -> IdleAnswer:
        """Send the GET and look at the answer."""
        try:
            reply = await get(self._client, address, self._path, self._timeout, self._headers)
        except (httpx.HTTPError, TimeoutError):
            return IdleAnswer(Idleness.SILENT)
        if reply.status in _CANNOT_BE_ASKED:
            said = reply.body.decode("utf-8", "replace").split("\n", 1)[0][:_SHOWN]
            return IdleAnswer(Idleness.CANNOT_BE_ASKED, f"GET {self._path}: {reply.status} {said}".rstrip())
        if reply.status >= 400:
            return IdleAnswer(Idleness.SILENT)
        return IdleAnswer(Idleness.IDLE if self._says_idle(reply.status, reply.body) else Idleness.BUSY)


class Said(NamedTuple):
    """An answer."""

    model: str | None  # None: it does not say


class LoadedProbe:
    """Asks, by a GET, what the backend has loaded."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        path: str,
        reads: Callable[[int, bytes], str | None],
        *,
        timeout: float = 1.0,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._client = client
        self._path = path
        self._reads = reads
        self._timeout = timeout
        self._headers = headers

    async def __call__(self, address: str) -> Said | None:
        """None: no answer, which says nothing."""
        try:
            reply = await get(self._client, address, self._path, self._timeout, self._headers)
        except (httpx.HTTPError, TimeoutError):
            return None
        return Said(self._reads(reply.status, reply.body))


def _failure(error: BaseException) -> Finding:
    return Finding.REFUSED if _was_refused(error) else Finding.FAIL


def _was_refused(error: BaseException | None) -> bool:
    """The libraries wrap the system's answer several times, and in a group when a name has several addresses."""
    if isinstance(error, BaseExceptionGroup):
        return all(_was_refused(each) for each in error.exceptions)
    if error is None or isinstance(error, ConnectionRefusedError):
        return error is not None
    return _was_refused(error.__cause__ or error.__context__)
