"""Reads bodies before their requests take a place in line, with the room that they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from gateway.core.line.expected_wait import RETRY_UNKNOWN
from gateway.core.records.decisions import Reason, Refusal
from gateway.proxy.body.request_body import read_body
from gateway.proxy.errors import Refused
from gateway.runtime import driver as runtime

if TYPE_CHECKING:
    from gateway.core.line.room import Room
    from gateway.proxy.body.stored import Body
    from gateway.proxy.pool.served_pool import ServedPool
    from gateway.proxy.request import Request


class Uploads:
    """The uploads of one endpoint that are under way."""

    def __init__(self) -> None:
        self._under_way: set[anyio.CancelScope] = set()

    def stop(self) -> None:
        """The gateway's grace is over: nobody waits for the rest of a body any more."""
        for scope in list(self._under_way):
            scope.cancel()

    async def read(self, request: Request, pool: ServedPool, room: Room, most: int) -> Body:
        """The whole body, of at most `most` bytes; its bytes are taken from `room`. Raises Refused if the gateway
        stops, and as `read_body`."""
        reading = read_body(
            request.request_body,
            room=room,
            refusal=lambda: pool.driver.bytes_refusal(room),
            max_body=min(most, pool.rules.max_body),
            idle_timeout=pool.rules.body_idle,
            total_timeout=pool.rules.body_total,
        )
        if request.request_body.is_here:
            return await reading
        with anyio.CancelScope() as scope:
            self._under_way.add(scope)
            try:
                return await reading
            finally:
                self._under_way.discard(scope)
        raise Refused(Refusal(Reason.STOPPING, RETRY_UNKNOWN))


def enter(pool: ServedPool, who: str) -> Room:
    """A place in line and bytes, asked for before a counted request's body is read. Raises Refused."""
    try:
        return pool.driver.enter(who)
    except runtime.Refused as refused:
        raise Refused(refused.refusal) from None
