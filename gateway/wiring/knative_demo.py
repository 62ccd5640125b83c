"""`make run-knative-demo`: the gateway in front of Knative, without a cluster.

It runs a pretended cluster (`gateway/demo/knative/`), our own KPA in the place of Knative's autoscaler,
and the gateway as a child process, whose environment leads it to both. Statistics decide on pods:

    gateway ── websocket ──> what waits ─┐
    pods' queue-proxies ── scraped ──────┴─> windows ──> KPA ──> so many pods
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from gateway.core.scaling.decider import Decider
from gateway.core.scaling.local import EVALUATE_EVERY, Autoscaling
from gateway.core.scaling.windows import PRECISION, BucketedAverage
from gateway.demo.a1111.api import A1111Api
from gateway.demo.a1111.boot import Boot, StandIn
from gateway.demo.gpu import Gpu
from gateway.demo.knative.cluster import knative_cluster

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from anyio.abc import Process

    from gateway.demo.knative.cluster import KnativeCluster
    from gateway.demo.knative.wire import StatMessage

    Application = Callable[..., Awaitable[None]]

SERVICE, REVISION = "stable-diffusion", "stable-diffusion-00001"

#: As an annotated Service would have it: few pods, and gone after so many seconds without work.
SCALING = Autoscaling(max_scale=4, window=20)
ANNOTATIONS = {
    "autoscaling.knative.dev/max-scale": str(SCALING.max_scale),
    "autoscaling.knative.dev/window": f"{SCALING.window}s",
    "autoscaling.knative.dev/target-utilization-percentage": "100",
}
AFFINITY = {
    "serving.knative.dev.alibabacloud/affinity": "cookie",
    "serving.knative.dev.alibabacloud/cookie-name": "sd",
    "serving.knative.dev.alibabacloud/cookie-timeout": "1800",
}

#: Seconds: of a pod's start, and of one picture.
_BOOT, _WORK = 2.0, 1.0


class DemoAutoscaler:
    """An autoscaler as Knative's, for one revision with containerConcurrency 1: reported and scraped
    statistics are averaged over two windows, and the KPA's decider says how many pods there should
    be."""

    def __init__(self, scale: Callable[[int], None], *, ready: Callable[[], int], now: float) -> None:
        self._scale = scale
        self._ready = ready
        self._stable = BucketedAverage(SCALING.window)
        self._panic = BucketedAverage(SCALING.panic_window)
        self._decider = Decider(SCALING.decider_spec(1))
        self._idle_since = now
        self.desired = 0

    def record(self, now: float, concurrency: float) -> None:
        """Adds a statistic; those of one second add up. Demand without any pod is acted on at once."""
        self._stable.record(now, concurrency)
        self._panic.record(now, concurrency)
        if concurrency > 0:
            self._idle_since = now
            if not self.desired:
                self.evaluate(now)

    def evaluate(self, now: float) -> None:
        """Decides how many pods there should be. The last one stays for a window after the last request."""
        stable, panic = (round(each.average(now), PRECISION) for each in (self._stable, self._panic))
        desired = min(self._decider.decide(now, self._ready(), stable, panic).desired, SCALING.max_scale)
        if not desired and now - self._idle_since < SCALING.window:
            desired = min(1, self.desired)
        if desired != self.desired:
            logging.getLogger(__name__).info("autoscaler (our KPA): %d -> %d pods", self.desired, desired)
        self.desired = desired
        self._scale(desired)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until Ctrl-C; the exit code is the gateway's."""
    parser = argparse.ArgumentParser(prog="python -m gateway.wiring.knative_demo", description="Knative, pretended.")
    parser.add_argument(
        "--config", default="config/knative-demo.yaml", help="the gateway's file (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    for chatty in ("websockets", "httpx", "httpcore", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the gateway hears it, too, and ends first
    sys.exit(anyio.run(demonstrate, Path(options.config)))


async def demonstrate(config: Path) -> int:
    """Runs the cluster until the gateway has ended. Returns the gateway's exit code."""
    with tempfile.TemporaryDirectory(prefix="knative-demo-") as directory:
        async with anyio.create_task_group() as tasks:
            async with knative_cluster(tasks, _container, service=SERVICE, boot=_BOOT) as cluster:
                _fill(cluster)
                tasks.start_soon(_scale_for_ever, cluster)
                kubeconfig = Path(directory) / "kubeconfig"
                cluster.write_kubeconfig(kubeconfig)
                code = await _gateway(config, kubeconfig, cluster.autoscaler.url)
            tasks.cancel_scope.cancel()
    return code


def _container() -> Application:
    boot = Boot(0.0)
    boot.finish()
    return StandIn(A1111Api(Gpu(), _WORK).application(), boot)


def _fill(cluster: KnativeCluster) -> None:
    cluster.put_service(AFFINITY)
    cluster.put_revision(REVISION, ANNOTATIONS)
    cluster.put_traffic({REVISION: 100})


async def _scale_for_ever(cluster: KnativeCluster) -> None:
    autoscaler = DemoAutoscaler(
        lambda desired: cluster.scale(REVISION, desired),
        ready=lambda: sum(pod.ready for pod in cluster.working(REVISION)),
        now=time.monotonic(),
    )

    def hear(message: StatMessage) -> None:
        if message.stat is not None:
            autoscaler.record(time.monotonic(), message.stat.average_concurrent_requests)

    cluster.on_stat = hear
    while True:
        for _ in range(math.ceil(EVALUATE_EVERY)):
            await anyio.sleep(1)
            _scrape(cluster, autoscaler)
        autoscaler.evaluate(time.monotonic())


def _scrape(cluster: KnativeCluster, autoscaler: DemoAutoscaler) -> None:
    """Records what the pods work on, less the part that the gateway reports itself."""
    for pod in cluster.working(REVISION):
        if pod.proxy is not None and pod.ready:
            seen = pod.proxy.take_statistics()
            here = seen.average_concurrent_requests - seen.average_proxied_concurrent_requests
            autoscaler.record(time.monotonic(), here)


async def _gateway(config: Path, kubeconfig: Path, autoscaler: str) -> int:
    """Runs the gateway and returns its exit code. Ctrl-C reaches both processes; SIGTERM is passed on to it."""
    environ = {**os.environ, "DEMO_KUBECONFIG": str(kubeconfig), "DEMO_AUTOSCALER": autoscaler}
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
    process = await anyio.open_process(command, stdin=subprocess.DEVNULL, stdout=None, stderr=None, env=environ)
    async with process:
        with anyio.open_signal_receiver(signal.SIGTERM) as signals:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_pass_on, signals, process)
                code = await process.wait()
                tasks.cancel_scope.cancel()
    return code


async def _pass_on(signals: AsyncIterator[signal.Signals], process: Process) -> None:
    async for number in signals:
        process.send_signal(number)


if __name__ == "__main__":
    main()
