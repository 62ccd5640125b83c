"""Tells a page of Gradio 3 its place in line, as long as it stands there: at once, when it has moved, and now and then
all the same."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from gateway.dialogues import gradio_socket as gradio
from gateway.proxy.tracking.job_orders import place_of

if TYPE_CHECKING:
    from gateway.core.pool import Pool
    from gateway.dialogues.websocket import WebSocketEnd
    from gateway.runtime.driver import Slot

#: Seconds between two looks: for the first in line, what each place adds, and for those far behind, whose place says
#: little. (Gradio tells all of them with each event that begins.)
SOONEST, FOR_EACH, LATEST = 1.0, 0.1, 5.0

#: Seconds after which the same is told again: many a proxy closes what is silent for a minute.
TELL_AGAIN = 20.0


class PositionUpdates:
    """Use as `with`, while waiting for a turn."""

    def __init__(self, page: WebSocketEnd, pool: Pool, slot: Slot) -> None:
        self._page = page
        self._pool = pool
        self._slot = slot
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._told: tuple[int, int, bool] | None = None  # position, length, whether the wait was unknown
        self._again_at = 0.0

    def __enter__(self) -> Self:
        self._look()
        return self

    def __exit__(self, *error: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        if not self._slot.is_waiting:
            return
        place = place_of(self._slot.ticket, self._pool, at := self._slot.now())
        position = max(1, place.position)  # one that is not counted waits for a first backend, and in no line
        service, longest = self._pool.estimates.service, self._pool.expected_wait(at)
        until_its_end = None if place.wait is None or service is None else place.wait + service
        stands, now = (position, place.length, place.wait is None), self._loop.time()
        if stands != self._told or now >= self._again_at:  # the page counts the seconds down by itself
            self._told, self._again_at = stands, now + TELL_AGAIN
            self._page.send(
                gradio.estimation(position, place.length, wait=until_its_end, longest=longest, service=service)
            )
        self._timer = self._loop.call_later(min(LATEST, SOONEST + FOR_EACH * position), self._look)
