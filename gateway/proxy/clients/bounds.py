"""Bounds of each client that has a key: how many of its requests may wait, and how many may be at work.

Who has as many at work as it may waits here, in order of arrival, before it takes its place in line: more pods could
not serve it, so it is no demand for any.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from gateway.core.line.expected_wait import RETRY_UNKNOWN
from gateway.core.records.decisions import Ending, Reason, Refusal
from gateway.proxy.errors import ClientLeft, Refused, TooManyWaiting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from gateway.proxy.context import RequestContext


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one client. None: no bound but those that all have."""

    max_waiting: int | None = None
    max_in_flight: int | None = None


class _Places:
    """One client's."""

    def __init__(self) -> None:
        self.here: set[RequestContext] = set()
        self.parked: set[RequestContext] = set()  # of these: not in line yet, whatever slot they had before
        self.limiter = anyio.CapacityLimiter(1)

    @property
    def waiting(self) -> int:
        """Requests that are here and not at work."""
        return sum(context in self.parked or context.slot is None or context.slot.is_waiting for context in self.here)


class ClientBounds:
    """Those of all clients. `bounds`, by name, may be replaced: what waits is bound by the new ones."""

    def __init__(self, default: Bounds, bounds: Mapping[str, Bounds]) -> None:
        self._default = default
        self._bounds = bounds
        self._places: dict[str, _Places] = {}
        self._parked: set[anyio.CancelScope] = set()
        self._stopping = False

    def refit(self, default: Bounds, bounds: Mapping[str, Bounds]) -> None:
        """New bounds."""
        self._default, self._bounds = default, bounds
        for name, places in self._places.items():
            places.limiter.total_tokens = self._of(name).max_in_flight or float("inf")

    def stop(self) -> None:
        """Nobody waits here any longer."""
        self._stopping = True
        for scope in self._parked:
            scope.cancel()

    @asynccontextmanager
    async def held(self, context: RequestContext, longest: float) -> AsyncIterator[None]:
        """For as long as one counted request is in line or at work. Waits for at most `longest` seconds.

        Raises TooManyWaiting, ClientLeft, and Refused if the gateway stops or the time is over."""
        name = context.record.key
        if name is None:
            yield
            return
        places = self._enter(name, context)
        try:
            await self._wait(places, context, longest)
            try:
                yield
            finally:
                places.limiter.release_on_behalf_of(context)
        finally:
            places.here.discard(context)
            if not places.here:
                self._places.pop(name, None)

    def _of(self, name: str) -> Bounds:
        return self._bounds.get(name, self._default)

    def _enter(self, name: str, context: RequestContext) -> _Places:
        places, most = self._places.get(name), self._of(name).max_waiting
        if places is None:
            places = self._places[name] = _Places()
            places.limiter.total_tokens = self._of(name).max_in_flight or float("inf")
        if most is not None and places.waiting >= most:
            raise TooManyWaiting(most)
        places.here.add(context)
        return places

    async def _wait(self, places: _Places, context: RequestContext, longest: float) -> None:
        with anyio.move_on_after(longest) as parked:
            self._parked.add(parked)
            places.parked.add(context)
            context.listener.on_gone(parked.cancel)
            try:
                if not self._stopping:
                    await places.limiter.acquire_on_behalf_of(context)
                    return
            finally:
                context.listener.on_gone(None)
                self._parked.discard(parked)
                places.parked.discard(context)
        if context.listener.gone:
            raise ClientLeft(Ending.CLIENT_LEFT_WAITING)
        reason = Reason.STOPPING if self._stopping else Reason.WAITED_TOO_LONG
        raise Refused(Refusal(reason, RETRY_UNKNOWN))
