"""A pretended pod of Knative's: a container behind a queue-proxy, each on a port of the pod's own loopback address. It
boots, becomes ready, is told to end, finishes what it has, and is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import httpx

from gateway.demo.knative.queue_proxy import QueueProxyStandIn
from gateway.demo.knative.serving import served

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Application = Callable[..., Awaitable[None]]

#: Seconds between two looks whether a pod that ends has finished.
_LOOK_EVERY = 0.02

#: Seconds. The real queue-proxy's drain waits so long after the last *arrival*, whatever is at work; then the container
#: is stopped. Any request resets the wait, one that is marked as a kubelet's probe, too. (Seen on Knative Serving of
#: 2026-08: a picture of 45 s was cut at 31.0 s; with a small request every 9 s it came at 45.06 s.)
DRAIN_QUIET = 30.0


class PodStandIn:
    """One of them. `on_change` hears of each step, when the fields have changed."""

    def __init__(
        self,
        name: str,
        uid: str,
        host: str,
        container: Application,
        *,
        limit: int,
        on_change: Callable[[], None],
        drain_quiet: float = DRAIN_QUIET,
        idle_quiet: float = 0.0,
    ) -> None:
        """`drain_quiet`: seconds without an arrival after which a pod that ends is stopped. `idle_quiet`: the same
        while nothing is in it. The real one makes no difference; who shows a scale-down does not want to wait."""
        self.name = name
        self.uid = uid
        self.host = host
        self.container = container
        self.proxy: QueueProxyStandIn | None = None  # while it runs
        self.ready = False
        self.terminating = False
        self._limit = limit
        self._drain_quiet = drain_quiet
        self._idle_quiet = idle_quiet
        self._on_change = on_change
        self._told_to_end = anyio.Event()
        self._killed = anyio.Event()

    @property
    def here(self) -> int:
        """Requests that are in it."""
        return self.proxy.here if self.proxy is not None else 0

    def end(self) -> None:
        """As SIGTERM: nothing new, and what is here is finished, unless nothing has arrived for `drain_quiet`
        seconds."""
        if not self.terminating:
            self.terminating, self.ready = True, False
            if self.proxy is not None:
                self.proxy.draining = True
            self._on_change()
            self._told_to_end.set()

    def kill(self) -> None:
        """At once, with all that is in it."""
        self.end()
        self._killed.set()

    async def run(self, *, user_port: int, pod_port: int, boot: float) -> None:
        """From its start to its end. `boot`: seconds until the container listens."""
        async with httpx.AsyncClient(timeout=None, trust_env=False) as client:
            self.proxy = QueueProxyStandIn(f"http://{self.host}:{user_port}", client, self._limit)
            async with served(self.proxy, pod_port, self.host):
                self._on_change()
                with anyio.move_on_after(boot):
                    await self._told_to_end.wait()
                async with served(self.container, user_port, self.host):
                    self.ready = not self.terminating
                    self._on_change()
                    await self._told_to_end.wait()
                    began = anyio.current_time()
                    while not (self._killed.is_set() or self._has_drained(began)):  # noqa: ASYNC110
                        await anyio.sleep(_LOOK_EVERY)
        self.proxy = None

    def _has_drained(self, since: float) -> bool:
        assert self.proxy is not None
        quiet = self._drain_quiet if self.here else self._idle_quiet
        return anyio.current_time() - max(since, self.proxy.last_arrival) >= quiet
