"""One session of measuring: which measurements there are, in what circumstances they are made, and for how long."""

from __future__ import annotations

import asyncio
import os
import platform
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.children import CannotMeasure, choose_cores, pin
from bench.failing_pod import failing_pod
from bench.looking import looking
from bench.measurements import bodies, counted_lane, hand_over, pass_through
from bench.observed import Observed
from bench.peers import PEERS, find_program, version_of
from bench.rounds import Bench, Effort
from bench.targets import GATEWAY, Direct, peer_target
from bench.waiting import waiting
from bench.whole_job import whole_job

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from bench.peers import Peer
    from bench.report import Report, Table
    from bench.targets import Target

    Measurement = Callable[[Bench], Awaitable[Sequence[Table]]]

#: By their numbers in the design's list; and what it costs to be looked at, and what a pod that fails does.
MEASUREMENTS: Mapping[int, Measurement] = {
    1: pass_through,
    2: counted_lane,
    3: hand_over,
    4: bodies,
    5: waiting,
    6: whole_job,
    7: looking,
    8: failing_pod,
}

#: Those of a request's cost, where it shows what it costs to be looked at.
OBSERVED = (1, 2, 3)

#: Many short rounds: a machine that others use too is another one every few seconds, and ratios are taken by rounds.
FULL = Effort(rounds=9, seconds=1.0, warm_up=1.0, long_runs=5)
QUICK = Effort(rounds=3, seconds=0.5, warm_up=0.3, long_runs=1)

#: Seconds that a session may take; what is not done by then is told.
FULL_BUDGET, QUICK_BUDGET = 780.0, 220.0


def peers_here() -> dict[Peer, str]:
    """Those that are installed, and where."""
    return {peer: program for peer in PEERS if (program := find_program(peer.name))}


async def measure(
    numbers: Iterable[int], peers: Mapping[Peer, str], report: Report, show: Callable[[Table], None], *, quick: bool
) -> None:
    """Make these measurements. Each table goes into the report, and to `show`, as soon as it is there; into the report
    goes, too, what could not be done."""
    cores = choose_cores()
    pin(cores.load)
    if not cores.target:
        report.troubles.append("a core for each: what is measured runs on the same cores as load and pods")
    targets: list[Target] = [Direct(), GATEWAY, *(peer_target(peer, program) for peer, program in peers.items())]
    bench = Bench(targets, cores, QUICK if quick else FULL, report.troubles.append)
    observed = replace(bench, targets=[*targets[:2], Observed(), *targets[2:]])
    budget = QUICK_BUDGET if quick else FULL_BUDGET
    ends = asyncio.get_running_loop().time() + budget
    for number in numbers:
        try:
            async with asyncio.timeout_at(ends):
                tables = await MEASUREMENTS[number](observed if number in OBSERVED else bench)
        except CannotMeasure as error:
            report.troubles.append(f"measurement {number}: {error}")
        except TimeoutError:
            report.troubles.append(f"measurement {number}: the {budget:g} s of a session were over")
        else:
            report.tables += tables
            for table in tables:
                show(table)


def circumstances(peers: Mapping[Peer, str], *, quick: bool) -> dict[str, str]:
    """What a reader has to know before comparing figures with others'."""
    effort = QUICK if quick else FULL
    load = "unknown" if not hasattr(os, "getloadavg") else f"{os.getloadavg()[0]:.1f}"
    return {
        "when": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "machine": f"{platform.platform()}, {os.cpu_count()} CPUs, load average {load} before",
        "peers": ", ".join(f"{peer.name} {version_of(peer, program)}" for peer, program in peers.items()) or "none",
        "peers not found": ", ".join(peer.name for peer in PEERS if peer not in peers) or "none",
        "python": platform.python_version(),
        "runs": f"medians of {effort.rounds} rounds of {effort.seconds:g} s (lowest-highest), targets taking turns",
    }
