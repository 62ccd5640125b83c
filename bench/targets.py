"""What is measured: the pods themselves, as the known thing, the gateway, and its peers, as far as they are here. How
each of them is started in front of pods, and stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bench.children import CannotMeasure, child, free_port
from bench.job import FAST, PASSES, Job
from bench.load import request_bytes

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from bench.load import Address
    from bench.peers import Peer

#: Seconds for a target to answer through to a pod.
_UP_WITHIN = 20.0

#: Characters of its last line that are quoted if it does not.
_QUOTED = 300


@dataclass(frozen=True, slots=True)
class Standing:
    """A target that is up."""

    name: str
    addresses: Sequence[Address]  # where clients connect
    pid: int | None = None  # whose CPU time, with that of what it started, is the target's


class Target(Protocol):
    """Something to be measured."""

    @property
    def name(self) -> str:
        """As it stands in the table."""

    @property
    def queues(self) -> bool:
        """Whether requests that find every pod busy wait for one."""

    def stand(
        self, pods: Sequence[Address], limit: int, cores: frozenset[int], folder: Path
    ) -> AbstractAsyncContextManager[Standing]:
        """Up in front of these pods while the context lasts. `folder` is its own. Raises CannotMeasure."""


class Direct:
    """The pods, with nothing in front of them. Nobody keeps their limit but the clients."""

    name, queues = "direct", True

    @contextlib.asynccontextmanager
    async def stand(
        self, pods: Sequence[Address], limit: int, cores: frozenset[int], folder: Path
    ) -> AsyncIterator[Standing]:
        """See Target."""
        yield Standing(self.name, pods)


@dataclass(frozen=True, slots=True)
class Proxy:
    """A program that stands in front of pods."""

    name: str
    configuration: Callable[[Job], str]
    command: Callable[[str], Sequence[str]]  # given the path of the configuration
    queues: bool = True

    @contextlib.asynccontextmanager
    async def stand(
        self, pods: Sequence[Address], limit: int, cores: frozenset[int], folder: Path
    ) -> AsyncIterator[Standing]:
        """See Target."""
        port = free_port()
        (file := folder / "configuration").write_text(self.configuration(Job(port, pods, limit, folder)))
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            async with child(self.command(str(file)), cores, stdout=out, stderr=err) as process:
                try:
                    await until_answered(("127.0.0.1", port), process)
                except CannotMeasure as error:
                    raise CannotMeasure(f"{error}; it says: {_last_line(folder / 'err')}") from None
                yield Standing(self.name, [("127.0.0.1", port)], process.pid)


async def until_answered(address: Address, process: Process, path: str = FAST) -> None:
    """Until there is a 200. Raises CannotMeasure if the process ends, or does not answer in time."""
    try:
        async with asyncio.timeout(_UP_WITHIN):
            while process.returncode is None:
                if await _status(address, path) == b"200":
                    return
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise CannotMeasure(f"no answer within {_UP_WITHIN:g} s") from None
    raise CannotMeasure(f"ended with code {process.returncode}")


async def _status(address: Address, path: str) -> bytes | None:
    try:
        reader, writer = await asyncio.open_connection(*address)
    except OSError:
        return None
    try:
        writer.write(request_bytes("GET", path))
        return (await reader.readline())[9:12]
    except OSError:
        return None
    finally:
        writer.transport.abort()


def _last_line(file: Path) -> str:
    return (file.read_text(errors="replace").splitlines() or ["nothing"])[-1][:_QUOTED]


def gateway_pool(job: Job) -> dict[str, object]:
    """The gateway's one pool, for this job."""
    return {
        "concurrency": job.limit,
        "backends": {"static": [f"http://{host}:{port}" for host, port in job.pods]},
        "rules": [{"match": f"GET {PASSES}*", "lane": "exempt"}],
    }


def gateway_configuration(port: int, ops: int, pool: object, **more: object) -> str:
    """JSON, which is YAML. A gateway of one pool. Its log is JSON, as where it is in earnest; it is stopped without a
    long grace. `more`: further sections."""
    return json.dumps(
        {
            # All load comes from one address: the bounds on connections are not what is measured.
            "listen": {
                "host": "127.0.0.1",
                "port": port,
                "max_connections": 12_000,
                "max_connections_per_address": 12_000,
            },
            "ops": {"host": "127.0.0.1", "port": ops},
            "log": {"format": "json"},
            "stop": {"grace": 2},
            "pools": {"bench": pool},
            **more,
        }
    )


def gateway_command(file: str) -> Sequence[str]:
    """How the gateway of this tree is started."""
    return sys.executable, "-m", "gateway", "serve", "--config", file


def peer_target(peer: Peer, program: str) -> Proxy:
    """A peer whose program is here."""
    return Proxy(peer.name, peer.configuration, lambda file: (program, *peer.arguments(file)), peer.queues)


GATEWAY = Proxy("gateway", lambda job: gateway_configuration(job.port, free_port(), gateway_pool(job)), gateway_command)
