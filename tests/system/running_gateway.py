"""A gateway as its users run it: a child process on free ports, seen through its two ports and its two logs.

Owns that process from its start to its end, and signals no other. Whatever goes wrong meanwhile shows the logs.
"""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.doubles.eventually import eventually
from tests.doubles.relatives import MARK, marked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

#: Where `tests` is: processes that the gateway starts may be doubles from there.
ROOT = Path(__file__).parents[2]

#: Seconds for the whole of a block: the test then fails with the logs, before it is ended without.
_HARD_LIMIT = 50.0

#: Seconds from SIGTERM to the end, for a gateway that has nothing left to do but to stop its pods.
_STOPS_WITHIN = 20.0


class RunningGateway:
    """One process of it. `traffic` and `operators` are addresses; the URLs are theirs."""

    def __init__(self, process: subprocess.Popen[bytes], mark: str, output: Path, errors: Path) -> None:
        self.process = process
        self._mark = mark
        self.traffic = self.operators = ("", 0)
        self._output = output
        self._errors = errors
        self._ops = httpx.AsyncClient(trust_env=False, verify=False, timeout=10)

    @property
    def url(self) -> str:
        """Of the traffic port."""
        return f"http://{self.traffic[0]}:{self.traffic[1]}"

    @property
    def ops(self) -> str:
        """Of the operators' port."""
        return f"http://{self.operators[0]}:{self.operators[1]}"

    # What it says

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """What it has logged so far, or what of it is called `name`."""
        found = [json.loads(line) for line in _whole_lines(self._errors)]
        return found if name is None else [event for event in found if event["event"] == name]

    async def access(self, lines: int) -> list[dict[str, Any]]:
        """Its access lines, when there are as many. (They are written by a thread that nobody waits for.)"""
        await eventually(lambda: len(_whole_lines(self._output)) >= lines, told=lambda: f"{lines} access lines")
        return [json.loads(line) for line in _whole_lines(self._output)]

    async def ask(self, path: str) -> httpx.Response:
        """A GET at the operators' port."""
        return await self._ops.get(self.ops + path)

    async def snapshot(self, pool: str = "sd") -> dict[str, Any]:
        """A pool as it is now; without a name if it is not there."""
        pools = (await self.ask("/api/snapshot")).raise_for_status().json()["pools"]
        found: dict[str, Any] = next((view for view in pools if view["name"] == pool), {"name": None, "backends": []})
        return found

    async def total(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        exposition = (await self.ask("/metrics")).raise_for_status().text
        samples = [s for family in text_string_to_metric_families(exposition) for s in family.samples]
        return sum(s.value for s in samples if s.name == name and labels.items() <= s.labels.items())

    # Waiting for a state

    async def event(self, name: str, nth: int = 1, *, within: float = 15.0) -> dict[str, Any]:
        """The nth event of that name, when it has come."""
        await eventually(lambda: len(self.events(name)) >= nth, within=within, told=lambda: f"{nth} x {name}")
        return self.events(name)[nth - 1]

    async def until(
        self, holds: Callable[[dict[str, Any]], object], *, pool: str = "sd", within: float = 15.0
    ) -> dict[str, Any]:
        """The pool's first snapshot for which `holds` does."""
        view: dict[str, Any] = {}
        with anyio.move_on_after(within):
            while not holds(view := await self.snapshot(pool)):  # noqa: ASYNC110  (nobody could set an event)
                await anyio.sleep(0.02)
            return view
        raise AssertionError(f"not within {within:g} s: {inspect.getsource(holds).strip()}\n{json.dumps(view)}")

    async def ready(self, count: int) -> dict[str, Any]:
        """The snapshot when so many backends are ready and none of their slots is in doubt."""
        return await self.until(
            lambda view: [b["state"] for b in view["backends"]].count("ready") >= count and not view["quarantined"]
        )

    # Its process, and those below it

    @property
    def descriptors(self) -> int:
        """How many it holds open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @property
    def processor_seconds(self) -> float:
        """What it has used of a processor so far, by itself."""
        user, system = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    @property
    def peak(self) -> int:
        """KiB of memory that it has held at once, at most, since it was started or `forget_peak` was called."""
        return self._status("VmHWM")

    def forget_peak(self) -> int:
        """KiB that it holds now."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        return self.memory

    @property
    def memory(self) -> int:
        """KiB that it holds now."""
        return self._status("VmRSS")

    def _status(self, key: str) -> int:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(key))

    def family(self) -> dict[int, str]:
        """It, and everything that descends from it and is alive: command lines by pid."""
        return marked(self._mark)

    def pid_of(self, address: str) -> int:
        """Of the pod that was told to listen there; not of its guardian."""
        port = f" --port {address.rpartition(':')[2]} "
        (pid,) = [pid for pid, line in self.family().items() if port in line and "guardian.py" not in line]
        return pid

    # Its end

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def ended(self, *, within: float = _STOPS_WITHIN) -> int:
        """Its exit code (negative: the signal that killed it), when it has ended."""
        await eventually(lambda: self.process.poll() is not None, within=within)
        return self.process.returncode

    async def aclose(self) -> None:
        """Nothing is asked any more."""
        await self._ops.aclose()

    # For the harness

    def logs(self) -> str:
        """Both, as they are."""
        return f"--- gateway's events\n{self._errors.read_text()}\n--- its access lines\n{_tail(self._output, 100)}"

    def defects(self) -> list[Any]:
        """What no gateway ever says: tracebacks, and lines that are not events."""
        lines = [json.loads(line) if line.startswith("{") else line for line in _whole_lines(self._errors)]
        return [line for line in lines if isinstance(line, str) or "exception" in line]


@asynccontextmanager
async def running_gateway(
    directory: Path,
    config: Mapping[str, Any],
    *,
    under: Sequence[str] = (),
    environ: Mapping[str, str] = MappingProxyType({}),
    within: float = _HARD_LIMIT,
) -> AsyncIterator[RunningGateway]:
    """Start it with `config` written to `directory`/gateway.yaml, and stop it at the end of the block if it runs still.

    `under`: a command that runs it. `environ`: what stands in its environment besides. `within`: seconds for the whole
    of the block. Fails if it does not stop in good order, or has logged a traceback.
    """
    write_config(directory, config)
    gateway = _start(directory, under, environ)
    try:
        with anyio.fail_after(within):
            listening = await gateway.event("listening")
            gateway.traffic, gateway.operators = (_first(listening[port]) for port in ("traffic", "operators"))
            yield gateway
            if gateway.process.poll() is None:
                gateway.signal(signal.SIGTERM)
                assert await gateway.ended() == 0
        assert gateway.defects() == []
    except BaseException as error:
        error.add_note(gateway.logs())
        raise
    finally:
        await gateway.aclose()
        gateway.process.kill()
        gateway.process.wait()


def write_config(directory: Path, config: Mapping[str, Any]) -> Path:
    """As a reload reads it."""
    file = directory / "gateway.yaml"
    file.write_text(yaml.safe_dump(dict(config)))
    return file


def configuration(pool: Mapping[str, Any], **sections: Any) -> dict[str, Any]:
    """A whole configuration with one pool, `sd`, on free loopback ports. It stops quickly unless told otherwise."""
    anywhere = {"host": "127.0.0.1", "port": 0}
    common = {"listen": anywhere, "ops": anywhere, "log": {"format": "json"}, "stop": {"grace": 2}}
    return {**common, **sections, "pools": {"sd": dict(pool)}}


def processes(directory: Path, *command: str, **options: Any) -> dict[str, Any]:
    """The `backends` section of a pool of processes that end at once."""
    return {"processes": {"command": list(command), "log_dir": str(directory / "pods"), "stop_grace": 1, **options}}


def stand_ins(directory: Path, *, boot: float = 0.5, work: float = 0.2, **options: Any) -> dict[str, Any]:
    """The `backends` section of a pool of quick stand-ins for A1111."""
    command = ("{python}", "-m", "gateway.demo.a1111", "--port", "{port}", "--boot", str(boot), "--work", str(work))
    return processes(directory, *command, **options)


def _start(directory: Path, under: Sequence[str], besides: Mapping[str, str]) -> RunningGateway:
    number = next(number for number in count(1) if not (directory / f"gateway-{number}.err").exists())
    output, errors = directory / f"gateway-{number}.out", directory / f"gateway-{number}.err"
    mark = f"{directory}/{number}"
    environ = {**os.environ, "PYTHONPATH": str(ROOT), MARK: mark, **besides}
    command = [*under, sys.executable, "-m", "gateway", "serve", "--config", "gateway.yaml"]
    with output.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(command, cwd=directory, env=environ, stdout=out, stderr=err)
    return RunningGateway(process, mark, output, errors)


def _whole_lines(file: Path) -> list[str]:
    return file.read_text().rpartition("\n")[0].splitlines()


def _tail(file: Path, count: int) -> str:
    return "\n".join(_whole_lines(file)[-count:])


def _first(addresses: list[str]) -> tuple[str, int]:
    host, _, port = addresses[0].rpartition(":")
    return host.strip("[]"), int(port)
