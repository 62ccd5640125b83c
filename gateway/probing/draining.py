"""Keeps a Knative pod that ends for as long as it works for us.

A queue-proxy that is told to end waits 30 s after the last *arrival*, not after the end of its work, and then the
container is stopped (`/wait-for-drain`; seen on Knative Serving of 2026-08: a picture of 45 s was cut at 31.0 s). A
small request marked as a kubelet's probe is an arrival, takes no place in its queue, and resets the wait.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import anyio
import httpx

from gateway.probing.control_client import get

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Seconds between two requests: three fit into the wait, so that one may be lost.
KEEP_EVERY = 9.0

_TIMEOUT = 2.0
_HEADERS = {"K-Kubelet-Probe": "gateway"}


class DrainKeeper:
    """Of the pods of one pool."""

    def __init__(self, client: httpx.AsyncClient, path: str, pods: Callable[[], Iterable[str]]) -> None:
        """`path`: a GET that the container answers beside its work. `pods`: "host:port" of the queue-proxies of
        those that end and work for us, now."""
        self._client = client
        self._path = path
        self._pods = pods

    async def run(self) -> None:
        """Keep them, until cancelled."""
        while True:
            async with anyio.create_task_group() as tasks:
                for address in self._pods():
                    tasks.start_soon(self._arrive, address)
            await anyio.sleep(KEEP_EVERY)

    async def _arrive(self, address: str) -> None:
        """That it arrives is enough: what comes back, if anything, says nothing."""
        with contextlib.suppress(httpx.HTTPError, TimeoutError):
            await get(self._client, address, self._path, _TIMEOUT, _HEADERS)
