"""The state that the connections of the traffic port share. Connections write it; the life cycle reads it and sets
`stopping`.
"""

from __future__ import annotations

import itertools
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Protocol

from gateway.core.records.networks import EVERYWHERE, network_of
from gateway.server.admission import Admission, AdmissionResult
from gateway.server.limits import Limits

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class OpenConnection(Protocol):
    """A connection of the traffic port, as the life cycle sees it; `protocol.GatewayProtocol` is one."""

    transport: asyncio.Transport

    def shutdown(self) -> None:
        """No further request is wanted on it."""


class RequestAtWork(Protocol):
    """A request in the application; `cycle.RequestCycle` is one."""

    task: asyncio.Task[None] | None


def _uncounted(reason: str) -> None:
    """The default for `refused`: refusals are not counted."""


def _no_proxy(address: str) -> bool:
    """The default for `is_proxy`: no address is a proxy's."""
    return False


class TrafficState:
    """Takes the place of uvicorn's `ServerState`."""

    def __init__(
        self,
        limits: Limits | None = None,
        refused: Callable[[str], None] = _uncounted,
        new_id: Callable[[], str] | None = None,
        port: str = "traffic",
    ) -> None:
        self.port = port  # what the log calls it
        self.limits = limits or Limits()
        self.refused = refused  # called with the reason of each request refused before the application saw it
        self.new_id = new_id or map(str, itertools.count(1)).__next__  # of an answer that no application gives
        self.is_proxy: Callable[[str], bool] = _no_proxy  # many clients may be behind that address
        self.proxy_protocol = False  # connections of proxies begin with a PROXY header
        self.lingering = 0  # connections that discard much
        self.stopping = False  # every answer closes its connection
        self.connections: set[OpenConnection] = set()
        self.at_work: set[RequestAtWork] = set()  # requests in the application, whether or not their client is there
        self._admission = Admission()
        self._date = b""
        self._date_second = 0

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """The tasks of the requests at work."""
        return {cycle.task for cycle in self.at_work if cycle.task is not None}

    def enter(self, connection: OpenConnection, address: str | None) -> AdmissionResult:
        """A connection from `address` begins (None: a socket without addresses). Says whether it is served."""
        self.connections.add(connection)
        return self._admission.enter(self._network(address), self.limits)

    def is_behind_proxy(self, address: str | None) -> bool:
        """A connection from `address` begins with a PROXY header."""
        return self.proxy_protocol and address is not None and self.is_proxy(address)

    def came_from(self, address: str, result: AdmissionResult) -> AdmissionResult:
        """The PROXY header of a connection that was let in says that it is from `address`: it is counted there."""
        self._admission.leave(result)
        return self._admission.enter(self._network(address), self.limits)

    def leave(self, connection: OpenConnection, result: AdmissionResult) -> None:
        """The connection has ended."""
        self.connections.discard(connection)
        self._admission.leave(result)

    def _network(self, address: str | None) -> str:
        return EVERYWHERE if address is None or self.is_proxy(address) else network_of(address)

    def date(self) -> bytes:
        """The `date` field line of an answer sent now, without its end."""
        second = int(time.time())
        if second != self._date_second:
            self._date_second = second
            self._date = b"date: " + formatdate(second, usegmt=True).encode()
        return self._date
