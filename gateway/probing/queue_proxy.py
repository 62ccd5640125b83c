"""The readiness probe of a Knative pod, as Knative's activator sends it: to the queue-proxy's port.

The queue-proxy runs the readiness probe that the user wrote within its answer, so a 200 says that the container behind
it is ready, not only the proxy; while it drains it says no. Source: pkg/activator/net/revision_backends.go of Knative
Serving. What the user wrote often is an open port, and that is less than our profiles ask for: so a container that has
just started is asked by the profile's probe, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.probing.probes import Finding, HttpProbe
from gateway.probing.readiness import Cadence

if TYPE_CHECKING:
    import httpx

    from gateway.probing.probes import Probe, ProbeResult

PATH = "/healthz"

#: It is the user agent that makes it a probe: with another one the request would go to the container.
HEADERS = {"User-Agent": "Knative-Activator-Probe", "K-Network-Probe": "queue"}

#: Seconds: for an answer, and between two questions until the first pass, as the activator has them.
TIMEOUT = 0.3
UNTIL_READY_EVERY = 0.2


def queue_proxy_probe(client: httpx.AsyncClient) -> HttpProbe:
    """Not light: what the user's own readiness probe costs a pod at work, nobody knows."""
    return HttpProbe(client, PATH, _says_ready, light=False, timeout=TIMEOUT, headers=HEADERS)


class StartedProbe:
    """Asks the queue-proxy; until it has passed once since the last failure, also the container itself, at `address`.
    Afterwards that is spared: it tells of a start. One for each backend."""

    def __init__(self, queue_proxy: Probe, container: Probe, address: str) -> None:
        self.light = queue_proxy.light
        self._queue_proxy = queue_proxy
        self._container = container
        self._address = address
        self._has_started = False

    async def __call__(self, address: str) -> ProbeResult:
        """Ask as much as is needed."""
        result = await self._queue_proxy(address)
        passes = result.finding is Finding.PASS
        if passes and not self._has_started:
            result = await self._container(self._address)
            passes = result.finding is Finding.PASS
        self._has_started = passes
        return result


def queue_proxy_cadence(period: float, failure_threshold: int, settle: float) -> Cadence:
    """The activator never asks again what has passed once, until Kubernetes calls it not ready. We go on, every
    `period` seconds while it is idle: a listing may be stale, and a pod that drains says so first here."""
    return Cadence(period=period, first_period=UNTIL_READY_EVERY, failure_threshold=failure_threshold, settle=settle)


def _says_ready(status: int, body: bytes) -> bool:
    return status == 200 and body == b"queue"
