"""Real faults against a real gateway for as long as told, and an hour of virtual ones: are all promises kept?

    python -m tests.soak [--minutes 10] [--seed N]

The exit code is 1 if a number is not 0. The seed, which is printed, chooses the faults; the machine chooses when they
come, so a run is never repeated exactly.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.simulation.hours import an_hour, figures
from tests.soak.kills import pods_are_killed, the_gateway_is_killed
from tests.soak.long_line import ten_thousand_in_line
from tests.soak.siege import siege
from tests.soak.tally import Tally
from tests.system.promises import Broken

#: Between two waves of the siege, one of these, in turns.
_BETWEEN = {"pods killed": pods_are_killed, "gateway killed": the_gateway_is_killed}

#: Seconds that the last rounds may take once the time is over.
_LAST_ROUNDS = 600.0


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Real faults, for a while.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    tally, dice = Tally(), random.Random(options.seed)
    virtual_hours(tally, options.seed)
    asyncio.run(real_minutes(tally, dice, options.minutes * 60))
    print(tally.report())
    return 1 if any(tally.numbers.values()) else 0


def virtual_hours(tally: Tally, seed: int) -> None:
    """One of pods that can be asked and one of others; in both they stand still, too."""
    for can_ask in (True, False):
        world = an_hour(seed, can_ask=can_ask, freeze_every=60.0)
        double_runs, missing, twice, leaked = figures(world)
        missing += world.accepted - world.outcomes.total()
        tally.add("virtual hour", world.accepted, Broken(double_runs, twice, missing, leaked))


async def real_minutes(tally: Tally, dice: random.Random, seconds: float) -> None:
    """At least one round of each kind."""
    until = time.monotonic() + seconds
    with TemporaryDirectory(prefix="soak-") as name:
        folders = (Path(name, str(number)) for number in count(1))
        tally.add("ten thousand", *await ten_thousand_in_line(_made(next(folders)), dice))
        async with siege(_made(next(folders)), seconds + _LAST_ROUNDS) as besieged:
            while len(tally.memory) < 3 or time.monotonic() < until:
                tally.add("siege", *await besieged.wave(dice))
                tally.memory.append(besieged.gateway.memory)
                tally.descriptors.append(besieged.gateway.descriptors)
                kind, round_of = list(_BETWEEN.items())[len(tally.memory) % len(_BETWEEN)]
                tally.add(kind, *await round_of(_made(next(folders)), dice))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    sys.exit(main())
