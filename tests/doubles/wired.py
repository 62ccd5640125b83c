"""A whole gateway inside a test, without ports: its parts are told facts and looked at. The test rewrites its file."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import anyio
from structlog.testing import capture_logs

from gateway.core.records.listed import BackendState
from gateway.logs.access_log import AccessLog
from gateway.metrics.instruments import Instruments, new_registry
from gateway.probing.control_client import new_client
from gateway.proxy.traffic_split import TrafficSplit
from gateway.runtime.background import Background
from gateway.settings.load import load
from gateway.wiring.gateway import Gateway
from gateway.wiring.kubernetes import Cluster
from tests.doubles.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from gateway.core.records.backends_and_tickets import Backend
    from gateway.proxy.pool.served_pool import ServedPool

NEVER_PROBED = {"initial_delay": "1h"}  # what is ready is what the test says


def pool(pod: str = "pod-a", **told: Any) -> dict[str, Any]:
    """As the file has it, with one backend that is never dialled."""
    return {"backends": {"static": [f"{pod}:1"]}, "readiness": NEVER_PROBED, **told}


OTHER = {"other": pool("pod-o", hosts=["other.example.com"])}


def processes(**told: Any) -> dict[str, Any]:
    """A pool of processes that do nothing; `told` is said of them."""
    return pool(backends={"processes": {"command": ["sleep", "{port}"], "max": 3, **told}})


@dataclass
class Wired:
    """A gateway and its file."""

    gateway: Gateway
    file: Path

    @property
    def pools(self) -> list[str]:
        """Those that exist, whether or not they are in the file."""
        return [view.name for view in self.gateway.views()]

    def served(self, name: str = "sd") -> ServedPool:
        """One of those in the file."""
        pool = self.gateway.endpoint.pools[name]
        assert not isinstance(pool, TrafficSplit)
        return pool

    def reload(self, pools: dict[str, Any], **sections: Any) -> list[str]:
        """Rewrite the file and say so. What was said against it."""
        write(self.file, pools, sections)
        with capture_logs() as events:
            self.gateway.reload()
        return [line for event in events if event["event"] == "reload_refused" for line in event["why"]]

    async def backend(self, name: str, *, of: str = "sd") -> Backend:
        """One that is listed and ready."""
        driver = self.served(of).driver
        await eventually(lambda: name in driver.pool.backends)
        driver.set_state(name, BackendState.READY)
        return driver.pool.backends[name]


def write(file: Path, pools: dict[str, Any], sections: dict[str, Any]) -> None:
    file.write_text(json.dumps({**sections, "pools": pools}))


@contextlib.asynccontextmanager
async def wired(
    directory: Path, pools: dict[str, Any], *, environ: Mapping[str, str] = MappingProxyType({}), **sections: Any
) -> AsyncIterator[Wired]:
    """A gateway as `serve` makes it. Its processes end with it."""
    file = directory / "config.yaml"
    write(file, pools, sections)
    settings = load(file, environ)
    instruments, access_log = Instruments(new_registry()), AccessLog(lambda line: None)
    cluster = Cluster(settings.kubernetes, environ)
    async with contextlib.aclosing(cluster), new_client() as probes, anyio.create_task_group() as tasks:
        gateway = Gateway(settings, file, environ, probes, cluster, instruments, access_log, Background(tasks))
        try:
            yield Wired(gateway, file)
        finally:
            with anyio.CancelScope(shield=True):
                await gateway.close_children()
            tasks.cancel_scope.cancel()
