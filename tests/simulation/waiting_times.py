"""How far the wait that people are told is from the one they have, in virtual time, before an autoscaled pool.

    python -m tests.simulation.waiting_times            on the made-up trace of `model_service.py`
    python -m tests.simulation.waiting_times FILE.csv   on a recorded one, with columns arrived_s, exec_s and user

`test_waiting_times.py` holds the figures of the first.
"""

from __future__ import annotations

import csv
import gzip
import random
import statistics
import sys
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.core.policy import Policy
from gateway.core.records.backends_and_tickets import Ticket, TicketState
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import BackendState
from gateway.core.scaling.local import Autoscaling
from gateway.simulation.visit import Plan, Visit
from gateway.simulation.world import World
from tests.simulation.model_service import trace

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Seconds.
COLD_START = 60.0

NOTHING, STARTING, BUSY, BOUND = "nothing is ready", "pods start", "all are busy", "its home is busy"


class Told:
    """What each one in line was told when it came, beside what it waited. Errors are seconds, by what it met."""

    def __init__(self, requests: Iterable[tuple[float, float, str]], *, pods: int, cookies: bool) -> None:
        """`requests`: when each comes, how long it works, and whose it is."""
        policy = Policy(line_limit=100_000, queue_timeout=1e9, cold_timeout=1e9)
        scaling = Autoscaling(max_scale=pods, window=60, scale_down_delay=300)
        self.errors: defaultdict[str, list[float]] = defaultdict(list)
        self.unknown = 0
        self._cookies = cookies
        self._homes: dict[str, str] = {}
        self._asked: dict[Ticket, tuple[str, float]] = {}
        self._world = World(policy, scaling, random.Random(1), lambda: COLD_START)
        last = 0.0
        for at, work, user in requests:
            self._world.loop.at(at, partial(self._arrive, work, user))
            last = max(last, at)
        self._world.loop.run(last + 100_000)

    def error(self, met: str) -> float:
        """Mean of all who met this."""
        return statistics.fmean(self.errors[met])

    def _arrive(self, work: float, user: str) -> None:
        home = self._homes.get(user) if self._cookies else None
        ticket = Ticket(Lane.COUNTED, user if self._cookies else None, home, home is not None)
        came, pool = self._world.loop.now, self._world.pool
        had_none = not any(each.state is BackendState.STARTING for each in pool.backends.values())
        self._world.visit(ticket, Plan(work), partial(self._ended, user))
        if ticket.state is not TicketState.WAITING:
            return
        met = BUSY if not pool.is_cold else NOTHING if had_none else STARTING
        if ticket.bound_to is not None:
            met = BOUND
        told = pool.expected_wait_of(ticket, came)
        if told is None:
            self.unknown += 1
        else:
            self._asked[ticket] = (met, told)

    def _ended(self, user: str, visit: Visit) -> None:
        ticket = visit.ticket
        if ticket.home is not None:
            self._homes[user] = ticket.home
        if ticket in self._asked:
            met, told = self._asked.pop(ticket)
            self.errors[met].append(abs(ticket.granted_at - ticket.arrived_at - told))


def made_up() -> list[tuple[float, float, str]]:
    """A trace that nobody has recorded."""
    return [(wish.at, wish.work, wish.visitor) for wish in trace(seed=1, requests=5_000)]


def recorded(file: Path) -> list[tuple[float, float, str]]:
    """One that somebody has."""
    with gzip.open(file, "rt") if file.suffix == ".gz" else file.open() as lines:
        return [(float(row["arrived_s"]), float(row["exec_s"]), row["user"]) for row in csv.DictReader(lines)]


def main() -> None:
    """A table."""
    requests = recorded(Path(sys.argv[1])) if sys.argv[1:] else made_up()
    say = sys.stdout.write
    for pods, cookies in ((8, False), (8, True), (4, False)):
        it = Told(requests, pods=pods, cookies=cookies)
        say(f"{pods} pods at most, sessions {'wait for their home' if cookies else 'none'}; unknown: {it.unknown}\n")
        for met, errors in sorted(it.errors.items()):
            mean, median = statistics.fmean(errors), statistics.median(errors)
            say(f"  {met:18} {len(errors):6} told, off by {mean:5.1f} s on average, {median:5.1f} s in the median\n")


if __name__ == "__main__":
    main()
