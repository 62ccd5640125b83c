"""The studio (`programs/studio.py`) in real copies: as a pool of a gateway, and what they have counted."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from tests.clients.environments import python_of
from tests.system.running_gateway import configuration, processes
from tests.system.shell import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.system.running_gateway import RunningGateway

PROGRAMS = Path(__file__).parent / "programs"

#: Seconds: a real one imports for a while, and on a busy machine for longer.
_UP_WITHIN = 60.0

#: Gradio 3 is A1111's, whose profile knows it.
_PROFILES = {"gradio-3": "a1111"}

#: What the studio has beside what is Gradio's.
_ITS_FIGURES = {"match": "GET /stand-in/*", "lane": "passive"}


@dataclass(frozen=True, slots=True)
class Counted:
    """By all copies together."""

    served: int
    two_at_once: int = 0  # pictures that were begun while another was being painted
    stopped: int = 0  # pictures that somebody ended early
    of_each: tuple[int, ...] = field(default=(), compare=False)  # served, by copy


def studios(
    directory: Path, name: str, *, copies: int, work: float = 1.0, mount: str = "", **told: Any
) -> dict[str, Any]:
    """A configuration with one pool of them, made with the Gradio of that environment. They are there from the start,
    unless `told` says otherwise. `work`: seconds a picture. `mount`: the path that they serve below, in a FastAPI."""
    studio = (python_of(name), str(PROGRAMS / "studio.py"), "--port", "{port}", "--work", str(work))
    command = (*studio, "--mount", mount) if mount else studio
    pool = {
        "profile": _PROFILES.get(name, "gradio"),
        "backends": processes(directory, *command, max=copies),
        "autoscaling": {"min_scale": copies, "max_scale": copies},
        "timeouts": {"keep_alive": 4},
        "rules": [_ITS_FIGURES],
    }
    return configuration(pool | told)


async def up(gateway: RunningGateway, copies: int) -> dict[str, Any]:
    """The snapshot when so many can be given work."""
    return await gateway.until(
        lambda view: [each["state"] for each in view["backends"]].count("ready") == copies, within=_UP_WITHIN
    )


def is_done(view: Mapping[str, Any]) -> bool:
    """Nobody waits and nothing works, though pages may be open and have their streams."""
    return not (view["demand"] or view["in_flight"] or view["quarantined"])


async def counted(view: Mapping[str, Any]) -> Counted:
    """What the copies in that snapshot say, each asked itself."""
    async with httpx.AsyncClient(trust_env=False) as client:
        asked = [await client.get(f"http://{backend['address']}/stand-in/stats") for backend in view["backends"]]
    told = [answer.raise_for_status().json() for answer in asked]
    served, two_at_once, stopped = (
        [each.get(figure, 0) for each in told] for figure in ("served", "two_at_once", "stopped")
    )
    return Counted(sum(served), sum(two_at_once), sum(stopped), tuple(served))


async def call(
    gateway: RunningGateway, name: str, *, callers: int, pictures: int, path: str = ""
) -> list[dict[str, Any]]:
    """What gradio_client of that environment got: `programs/gradio_caller.py`."""
    options = ("--callers", str(callers), "--pictures", str(pictures))
    return await run_program(name, "gradio_caller.py", gateway.url + path, *options)


async def run_program(name: str, program: str, *arguments: str) -> list[dict[str, Any]]:
    """The lines of JSON that a program of `programs/` prints, run in that environment."""
    said = await run(python_of(name), str(PROGRAMS / program), *arguments, within=120)
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]
