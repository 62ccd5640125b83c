"""What ten thousand requests in line cost: the growth of the gateway's memory, by the request.

Peers have no part in this: it is a bound of the gateway's own, and its operators' port that says when all are there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import httpx

from bench.children import CannotMeasure, child, free_port, memory_kib
from bench.figures import spread
from bench.fleet import fleet
from bench.job import JOB
from bench.load import request_bytes
from bench.report import Column, Table
from bench.targets import gateway_command, gateway_configuration, until_answered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bench.load import Address
    from bench.rounds import Bench

WAITING = 10_000
_BODY = b"x" * 100

#: Seconds that the one pod works on the first request: longer than it takes for the others to come.
_WORK = 300.0

#: Seconds for all to be in line.
_ALL_WITHIN = 60.0

#: Seconds between two looks at it.
_BETWEEN_LOOKS = 0.2

#: Descriptors that this process, and the gateway, need besides one for each client.
_SPARE = 500

#: Clients that connect at once: fewer than a listener's backlog.
_AT_ONCE = 200

_COLUMNS = (Column("KiB each", 2), Column("before MiB", 1), Column("with all MiB", 1), Column("s until all wait", 1))


@dataclass(frozen=True, slots=True)
class Line:
    """What was seen of a gateway and its line."""

    before: float  # KiB, before anybody came
    after: float  # KiB, with all of them in line
    seconds: float  # from the first connection until all waited

    @property
    def each(self) -> float:
        """KiB that one of them takes."""
        return (self.after - self.before) / WAITING


async def waiting(bench: Bench) -> list[Table]:
    """Ten thousand in line for one pod."""
    _allow_descriptors(WAITING + _SPARE)
    async with fleet(1, bench.cores.load, work=_WORK) as pods:
        lines = [await _line(pods.addresses, bench.cores.target) for _ in range(bench.effort.long_runs)]
    cells = [
        spread(line.each for line in lines),
        spread(line.before / 1024 for line in lines),
        spread(line.after / 1024 for line in lines),
        spread(line.seconds for line in lines),
    ]
    title = (
        f"waiting: {WAITING:,} requests in line for one pod, bodies of {len(_BODY)} bytes; growth of resident memory"
    )
    return [Table(5, title, _COLUMNS, {"gateway": cells})]


def _allow_descriptors(wanted: int) -> None:
    """What is started from now on inherits it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise CannotMeasure(f"{wanted} descriptors are needed, and {hard} are allowed")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _line(pods: list[Address], cores: frozenset[int]) -> Line:
    with TemporaryDirectory(prefix="bench-") as name:
        folder, port, ops = Path(name), free_port(), free_port()
        pool = {
            "concurrency": 1,
            "backends": {"static": [f"http://{host}:{port}" for host, port in pods]},
            "queue": {"limit": WAITING, "client_share": 100},
        }
        (file := folder / "configuration").write_text(gateway_configuration(port, ops, pool))
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            async with child(gateway_command(str(file)), cores, stdout=out, stderr=err) as process:
                await until_answered(("127.0.0.1", ops), process, "/readyz")
                return await _fill(process.pid, ("127.0.0.1", port), f"http://127.0.0.1:{ops}/api/snapshot")


async def _fill(pid: int, gateway: Address, snapshot: str) -> Line:
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(trust_env=False) as operator:
        await _in_line(operator, snapshot)  # what the operators' port takes is there before
        before, began = _memory(pid), loop.time()
        async with _clients(gateway):
            while (there := await _in_line(operator, snapshot)) < WAITING:
                if loop.time() - began > _ALL_WITHIN:
                    raise CannotMeasure(f"{there:,} of {WAITING:,} were in line within {_ALL_WITHIN:g} s")
                await asyncio.sleep(_BETWEEN_LOOKS)
            return Line(before, _memory(pid), loop.time() - began)


@contextlib.asynccontextmanager
async def _clients(gateway: Address) -> AsyncIterator[None]:
    """One more than wait: the first is at work."""
    loop, request = asyncio.get_running_loop(), request_bytes("POST", JOB, _BODY)
    transports: list[asyncio.Transport] = []
    try:
        for start in range(0, WAITING + 1, _AT_ONCE):
            count = min(_AT_ONCE, WAITING + 1 - start)
            made = await asyncio.gather(*(loop.create_connection(asyncio.Protocol, *gateway) for _ in range(count)))
            for transport, _ in made:
                transports.append(transport)
                transport.write(request)
        yield
    except OSError as error:
        raise CannotMeasure(f"no connection: {error}") from error
    finally:
        for transport in transports:
            transport.abort()


async def _in_line(operator: httpx.AsyncClient, snapshot: str) -> int:
    (pool,) = json.loads((await operator.get(snapshot)).content)["pools"]
    waiting: int = pool["line"]["waiting"]
    return waiting


def _memory(pid: int) -> float:
    if (known := memory_kib(pid)) is None:
        raise CannotMeasure("this machine does not tell how much memory a process has")
    return known
