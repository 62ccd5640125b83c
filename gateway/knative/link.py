"""The one connection to the autoscaler, kept up for ever, and the frames that wait to be sent over it.

Owns what is unsent, and says whether the link is up. Statistics are worth nothing later: what cannot be sent is
dropped, never kept. How bytes travel is the connection's affair; what they mean, the reporter's.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Protocol

import anyio
import structlog

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

#: Seconds before the next attempt, as Knative's own client waits (pkg/websocket/connection.go): the first, the factor
#: from one to the next, and the share that chance adds at most. The longest, chance included, is ours: a revision whose
#: pods this gateway alone reports loses them after a stable window, 60 s by default.
FIRST_DELAY = 0.1
FACTOR = 1.3
JITTER = 0.5
LONGEST_DELAY = 5.0

#: A link that lasted less is a failed attempt: one that is taken and dropped again and again must not be hammered.
STEADY = 1.0


_TO_DO = "see whether the autoscaler runs and NetworkPolicies let us reach it; until it hears us, no pod starts"


class LinkLost(Exception):
    """There is no connection (any more). `restarting`: the other side asked to come back at once."""

    def __init__(self, why: str, *, restarting: bool = False) -> None:
        super().__init__(why)
        self.restarting = restarting


class Connection(Protocol):
    """One that is open."""

    @property
    def is_answering(self) -> bool:
        """The last question was answered: what is sent now will not arrive in a pile later."""

    async def ask(self) -> None:
        """Ask whether the other side is there. Raises LinkLost."""

    async def send(self, frame: bytes) -> None:
        """Raises LinkLost."""

    async def lost(self) -> None:
        """Listen until it ends: raises LinkLost."""


class AutoscalerLink:
    """Kept up by `run`. `tell` and `poke` never wait."""

    def __init__(
        self,
        connect: Callable[[], AbstractAsyncContextManager[Connection]],
        *,
        clock: Callable[[], float],
        chance: Callable[[], float],
        on_change: Callable[[bool], None] = lambda up: None,
    ) -> None:
        """Entering what `connect` returns opens a connection or raises LinkLost. `clock`: seconds; `chance`: a random
        number from 0 to 1; `on_change`: told when the link goes up (True) or down."""
        self._connect = connect
        self._clock = clock
        self._chance = chance
        self._on_change = on_change
        self._log = structlog.get_logger()
        self._tick: bytes | None = None
        self._pokes: deque[bytes] = deque()
        self._something = anyio.Event()
        self._complained = False  # since it was up
        self.down_since: float | None = clock()  # None: it is up
        self.losses = 0  # times that it was up and is no longer
        self.sent = 0  # frames
        self.dropped = 0

    @property
    def is_up(self) -> bool:
        """Whether frames are sent now."""
        return self.down_since is None

    def tell(self, frame: bytes) -> None:
        """One period's statistics. Those of the one before, if they are still unsent, are dropped: the autoscaler
        adds up what comes in one second, so a pile sent at once would look like a crowd."""
        self.dropped += not self.is_up or self._tick is not None
        if self.is_up:
            self._tick = frame
            self._something.set()

    def poke(self, frame: bytes) -> None:
        """Sends a frame that must not wait for the next period."""
        self.dropped += not self.is_up
        if self.is_up:
            self._pokes.append(frame)
            self._something.set()

    async def run(self) -> None:
        """Connect, again and again, until cancelled."""
        failures = 0
        while True:
            lost, lasted = await self._attempt()
            if lasted >= STEADY:
                failures = 0
                if lost.restarting:
                    continue
            await anyio.sleep(self._delay(failures))
            failures += 1

    async def _attempt(self) -> tuple[LinkLost, float]:
        """One connection: why it is over, and the seconds for which it was up."""
        try:
            async with self._connect() as connection:
                up_at = self._clock()
                self._up()
                try:
                    lost = await self._carry(connection)
                finally:
                    self._down()
        except LinkLost as error:
            (self._log.debug if self._complained else self._log.warning)(
                "autoscaler_not_reached", why=str(error), do=_TO_DO
            )
            self._complained = True
            return error, 0.0
        self.losses += 1
        (self._log.info if lost.restarting else self._log.warning)("autoscaler_link_lost", why=str(lost), do=_TO_DO)
        return lost, self._clock() - up_at

    async def _carry(self, connection: Connection) -> LinkLost:
        """Send what there is to send, and listen, until either says that the connection is lost."""
        losses: list[LinkLost] = []
        async with anyio.create_task_group() as tasks:

            async def until_lost(work: Callable[[], Awaitable[None]]) -> None:
                try:
                    await work()
                except LinkLost as lost:  # taken out by hand: a task group would wrap it
                    losses.append(lost)
                    tasks.cancel_scope.cancel()

            tasks.start_soon(until_lost, partial(self._send_all, connection))
            tasks.start_soon(until_lost, connection.lost)
        return losses[0]

    async def _send_all(self, connection: Connection) -> None:
        while True:
            await self._something.wait()
            self._something = anyio.Event()
            while self._pokes:
                await self._send(connection, self._pokes.popleft())
            frame, self._tick = self._tick, None
            if frame is None:
                continue
            if not connection.is_answering:
                self.dropped += 1  # a link that stands still would deliver it with others, as one second's worth
                continue
            await self._send(connection, frame)
            await connection.ask()

    async def _send(self, connection: Connection, frame: bytes) -> None:
        await connection.send(frame)
        self.sent += 1

    def _up(self) -> None:
        self.down_since = None
        self._complained = False
        self._log.info("autoscaler_link_up")
        self._on_change(True)

    def _down(self) -> None:
        self.down_since = self._clock()
        self.dropped += len(self._pokes) + (self._tick is not None)
        self._pokes.clear()
        self._tick = None
        self._on_change(False)

    def _delay(self, failures: int) -> float:
        """Seconds, after so many failures in a row before this one."""
        growing = FIRST_DELAY * FACTOR ** min(failures, 100)  # beyond that a float would not hold it
        return min(growing, LONGEST_DELAY / (1 + JITTER)) * (1 + JITTER * self._chance())
