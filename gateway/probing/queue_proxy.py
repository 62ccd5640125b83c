"""The readiness probe of a Knative pod, as Knative's activator sends it: to the queue-proxy's port.

The queue-proxy runs the readiness probe that the user wrote within its answer, so a 200 says that the container behind
it is ready, not only the proxy; while it drains it says no. Source: pkg/activator/net/revision_backends.go of Knative
Serving.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.probing.probes import HttpProbe
from gateway.probing.readiness import Cadence

if TYPE_CHECKING:
    import httpx

PATH = "/healthz"

#: It is the user agent that makes it a probe: with another one the request would go to the container.
HEADERS = {"User-Agent": "Knative-Activator-Probe", "K-Network-Probe": "queue"}

#: Seconds: for an answer, and between two questions until the first pass, as the activator has them.
TIMEOUT = 0.3
UNTIL_READY_EVERY = 0.2


def queue_proxy_probe(client: httpx.AsyncClient) -> HttpProbe:
    """Not light: what the user's own readiness probe costs a pod at work, nobody knows."""
    return HttpProbe(client, PATH, _says_ready, light=False, timeout=TIMEOUT, headers=HEADERS)


def queue_proxy_cadence(period: float, failure_threshold: int) -> Cadence:
    """The activator never asks again what has passed once, until Kubernetes calls it not ready. We go on, every
    `period` seconds while it is idle: a listing may be stale, and a pod that drains says so first here."""
    return Cadence(period=period, first_period=UNTIL_READY_EVERY, failure_threshold=failure_threshold)


def _says_ready(status: int, body: bytes) -> bool:
    return status == 200 and body == b"queue"
