"""Questions to a backend, each asked once: may it be given work? does it still work? They say what they found."""

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
    """What a readiness probe found."""

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

    async def __call__(self, address: str) -> bool | None:
        """True: idle. False: it works. None: no answer, or an error, which says neither."""
        try:
            reply = await get(self._client, address, self._path, self._timeout, self._headers)
        except (httpx.HTTPError, TimeoutError):
            return None
        return self._says_idle(reply.status, reply.body) if reply.status < 400 else None


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
