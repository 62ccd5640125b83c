"""The agent-scheduler extension, as far as a gateway meets it: `POST /agent-scheduler/v1/queue/txt2img` puts a job into
a queue of the extension's own, and answers at once; so does Enqueue on the page, which has no outputs.
(Read in the API and the task runner of sd-webui-agent-scheduler, 2025.)

One thread works on the queue while there is something in it. Between the answer and the moment from which
`/sdapi/v1/progress` tells of the job, the real one reads its database, decodes pictures and prepares scripts: for `LAG`
seconds the progress says that the server is idle, and it is not.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import TYPE_CHECKING

from gateway.demo.gpu import TwoAtOnceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.demo.a1111.wish import Wish

#: Seconds. Read, not measured: a database, scripts and pictures take some tenths.
LAG = 0.3


class Scheduler:
    """`work` paints, and waits for the GPU where that queues."""

    def __init__(self, work: Callable[[str, Wish], Awaitable[object]], *, lag: float = LAG) -> None:
        self._work = work
        self._lag = lag
        self._queued: list[Wish] = []
        self._runner: asyncio.Task[None] | None = None

    def enqueue(self, wish: Wish) -> str:
        """The name of the job, which is begun soon."""
        self._queued.append(wish)
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        return str(uuid.uuid4())

    async def _run(self) -> None:
        while self._queued:
            wish = self._queued.pop(0)
            await asyncio.sleep(self._lag)
            with contextlib.suppress(TwoAtOnceError):  # the GPU has counted it
                await self._work("txt2img", wish)
