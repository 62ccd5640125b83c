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

    from gateway.probing.control_client import Reply


#: Characters of an answer that evidence has.
_SHOWN = 120

_REFUSED = "connection refused, nobody listens on its port"

#: What to do about answers with these statuses, whatever the backend is.
_REMEDIES = dict.fromkeys((401, 403), "let probes in by probe.headers")


class Finding(enum.Enum):
    """The finding of a readiness probe."""

    PASS = "pass"
    FAIL = "fail"
    REFUSED = "refused"  # nobody listens: the one failure that says something of a busy backend, too


class ProbeResult(NamedTuple):
    """The finding of a readiness probe, and the evidence of a failure: what was asked, and what came."""

    finding: Finding
    evidence: str = ""


class Probe(Protocol):
    """A readiness probe."""

    @property
    def light(self) -> bool:
        """A busy backend may be asked: it takes nothing from the work."""

    async def __call__(self, address: str) -> ProbeResult:
        """Ask the backend at "host:port"."""


class TcpProbe:
    """Passes when a connection can be opened within `timeout` seconds."""

    light = True

    def __init__(self, timeout: float = 1.0) -> None:
        self._timeout = timeout

    async def __call__(self, address: str) -> ProbeResult:
        """Open a connection and close it."""
        host, _, port = address.rpartition(":")
        try:
            with anyio.fail_after(self._timeout):
                stream = await anyio.connect_tcp(host.strip("[]"), int(port))
        except OSError as error:
            return _failure("connect", error, self._timeout)
        extra = stream.extra
        # A dial to a free port of this machine may be given that very port to dial from, and so reach itself.
        reached_itself = extra(SocketAttribute.local_address) == extra(SocketAttribute.remote_address)
        await stream.aclose()
        return ProbeResult(Finding.REFUSED, f"connect: {_REFUSED}") if reached_itself else ProbeResult(Finding.PASS)


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
        remedies: Mapping[int, str] = MappingProxyType({}),
        hint: Callable[[int, bytes], str] = lambda status, body: "",
    ) -> None:
        """For the evidence: `remedies`, what to do about an answer with this status; `hint`, about one that says what
        it says."""
        self.light = light
        self._hint = hint
        self._remedies = {**_REMEDIES, **remedies}
        self._headers = headers
        self._client = client
        self._path = path
        self._accepts = accepts
        self._timeout = timeout

    async def __call__(self, address: str) -> ProbeResult:
        """Send the GET and look at the answer."""
        asked = f"GET {self._path}"
        try:
            reply = await get(self._client, address, self._path, self._timeout, self._headers)
        except (httpx.HTTPError, TimeoutError) as error:
            return _failure(asked, error, self._timeout)
        if self._accepts(reply.status, reply.body):
            return ProbeResult(Finding.PASS)
        remedy = self._remedies.get(reply.status) or self._hint(reply.status, reply.body)
        return ProbeResult(Finding.FAIL, _answered(asked, reply) + (f"; {remedy}" if remedy else ""))


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

    async def __call__(self, address: str) -> ProbeResult:
        """Ask as much as is needed."""
        result = await self._first(address)
        if result.finding is not Finding.FAIL or (await self._is_missing(address)).finding is not Finding.PASS:
            self._missing_since = None
            return result
        now = self._clock()
        since = self._missing_since = now if self._missing_since is None else self._missing_since
        if now - since < self._after and (await self._never(address)).finding is not Finding.PASS:
            return result
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
            return IdleAnswer(Idleness.CANNOT_BE_ASKED, _answered(f"GET {self._path}", reply))
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


def _answered(asked: str, reply: Reply) -> str:
    return f"{asked}: {reply.status} {_first_line(reply.body.decode('utf-8', 'replace'))}".rstrip()


def _failure(asked: str, error: BaseException, timeout: float) -> ProbeResult:
    if _was_refused(error):
        return ProbeResult(Finding.REFUSED, f"{asked}: {_REFUSED}")
    if isinstance(error, TimeoutError):
        return ProbeResult(Finding.FAIL, f"{asked}: no answer within {timeout:g} s")
    if isinstance(error, httpx.RemoteProtocolError):
        return ProbeResult(Finding.FAIL, f"{asked}: no valid HTTP answer ({_first_line(str(error))})")
    return ProbeResult(Finding.FAIL, f"{asked}: {_first_line(str(error)) or type(error).__name__}")


def _first_line(text: str) -> str:
    line = text.strip().split("\n", 1)[0][:_SHOWN]
    return "".join(character if character.isprintable() else " " for character in line).strip()


def _was_refused(error: BaseException | None) -> bool:
    """The libraries wrap the system's answer several times, and in a group when a name has several addresses."""
    if isinstance(error, BaseExceptionGroup):
        return all(_was_refused(each) for each in error.exceptions)
    if error is None or isinstance(error, ConnectionRefusedError):
        return error is not None
    return _was_refused(error.__cause__ or error.__context__)
