"""The whole job, from zero: fifty requests, five at a time, on stand-ins that have to be started first.

Nothing is pinned here: the gateway starts its pods itself, and they boot on whatever core is free. The known thing is
not another target but the time that no gateway could go below.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.children import CannotMeasure, child, free_port
from bench.figures import spread
from bench.report import Column, Table
from bench.targets import gateway_command, gateway_configuration, until_answered
from gateway.load.plan import LoadPlan
from gateway.load.sender import run_load

if TYPE_CHECKING:
    from bench.rounds import Bench
    from gateway.load.progress import RunProgress
    from gateway.load.result import LoadResult

REQUESTS, AT_A_TIME = 50, 5
_BOOT, _WORK = 2.0, 1.0  # seconds

_COLUMNS = (
    Column("total s", 2),
    Column("lower bound s", 2),
    Column("above it s", 2),
    Column("first pod ready s", 2),
    Column("pods", 0),
    Column("status codes"),
)


@dataclass(frozen=True, slots=True)
class Done:
    """One whole job."""

    total: float  # seconds
    first_ready: float  # seconds from the start of the first pod to its being ready
    pods: int  # that served
    codes: Counter[str]

    @property
    def lower_bound(self) -> float:
        """Seconds: the first pod's start, and then everybody always at work."""
        return self.first_ready + math.ceil(REQUESTS / self.pods) * _WORK


async def whole_job(bench: Bench) -> list[Table]:
    """Fifty pictures from nothing."""
    jobs = [await _from_zero(bench.cores.every) for _ in range(bench.effort.long_runs)]
    codes = sum((job.codes for job in jobs), Counter[str]())
    cells = [
        spread(job.total for job in jobs),
        spread(job.lower_bound for job in jobs),
        spread(job.total - job.lower_bound for job in jobs),
        spread(job.first_ready for job in jobs),
        spread(float(job.pods) for job in jobs),
        ", ".join(f"{code}: {count}" for code, count in sorted(codes.items())),
    ]
    title = f"whole job: {REQUESTS} requests, {AT_A_TIME} at a time, from zero; boot {_BOOT:g} s, work {_WORK:g} s"
    return [Table(6, title, _COLUMNS, {"gateway": cells})]


async def _from_zero(cores: frozenset[int]) -> Done:
    with TemporaryDirectory(prefix="bench-") as name:
        folder, port, ops = Path(name), free_port(), free_port()
        (file := folder / "configuration").write_text(gateway_configuration(port, ops, _pool(folder)))
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            async with child(gateway_command(str(file)), cores, stdout=out, stderr=err) as process:
                await until_answered(("127.0.0.1", ops), process, "/readyz")
                result = await run_load(_plan(port, ops), _unseen)
        return _done(result, (folder / "err").read_text())


def _pool(folder: Path) -> object:
    command = ("{python}", "-m", "gateway.demo.a1111", "--port", "{port}", "--boot", str(_BOOT), "--work", str(_WORK))
    return {
        "profile": "a1111",
        "backends": {"processes": {"command": command, "max": 10, "log_dir": str(folder / "pods"), "stop_grace": 2}},
    }


def _plan(port: int, ops: int) -> LoadPlan:
    return LoadPlan(
        f"http://127.0.0.1:{port}/sdapi/v1/txt2img",
        REQUESTS,
        AT_A_TIME,
        "POST",
        (("Content-Type", "application/json"),),
        b'{"prompt": "pretty dog"}',
        timeout=60.0,
        ops=f"http://127.0.0.1:{ops}",
    )


def _unseen(progress: RunProgress) -> None:
    """Nobody watches."""


def _done(result: LoadResult, log: str) -> Done:
    events = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    ready = [event["seconds"] for event in events if event["event"] == "process_ready"]
    if not ready or result.pods is None:
        raise CannotMeasure("no pod ever became ready")
    codes = Counter("no answer" if one.status is None else str(one.status) for one in result.ended)
    return Done(result.seconds, ready[0], sum(count > 0 for count in result.pods.served.values()), codes)
