"""Decisions reach those who wait for them, and time reaches the pool. That the decisions are those of the event loop's
driver is told in tests/test_two_drivers.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.core.policy import Policy
from gateway.core.pool import Pool
from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.decisions import Decision, Ending, Granted, Reason
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import Listed
from gateway.simulation.driver import Driver
from gateway.simulation.loop import Loop

if TYPE_CHECKING:
    from gateway.core.records.backends_and_tickets import Backend
    from gateway.core.records.decisions import Refusal


class Patient:
    """Writes down what it is told."""

    def __init__(self, driver: Driver) -> None:
        self.ticket = Ticket(Lane.COUNTED)
        self.told: list[tuple[float, str | Reason]] = []
        self._loop = driver.loop
        driver.arrive(self.ticket, self)

    def turn(self, backend: Backend) -> None:
        self.told.append((self._loop.now, backend.name))

    def refused(self, refusal: Refusal) -> None:
        self.told.append((self._loop.now, refusal.reason))


def driver(*pods: str, **policy: Any) -> Driver:
    loop = Loop()
    made = Driver(Pool("sd", Policy(**policy), loop.now), loop)
    made.replace_backends([Listed(pod, f"{pod}:1", pod, ready=True) for pod in pods])
    return made


def test_who_waits_is_called_when_his_turn_comes() -> None:
    sd = driver("gpu-1")
    first, second = Patient(sd), Patient(sd)
    sd.loop.at(8.0, lambda: sd.leave(first.ticket, Ending.SERVED))
    sd.loop.run(10.0)
    assert (first.told, second.told) == ([(0.0, "gpu-1")], [(8.0, "gpu-1")])


def test_deadlines_are_kept_without_anybody_asking() -> None:
    sd = driver(cold_timeout=60.0)
    one = Patient(sd)
    sd.loop.run(10.0)
    other = Patient(sd)
    sd.loop.run(100.0)
    assert (one.told, other.told) == ([(60.0, Reason.NOTHING_CAME_UP)], [(70.0, Reason.NOTHING_CAME_UP)])


def test_a_nearer_deadline_goes_before_the_one_that_was_set() -> None:
    sd = driver("gpu-1", queue_timeout=300.0)
    one = Patient(sd)
    sd.loop.run(5.0)
    sd.give_back(one.ticket)  # it is asked again in a second
    sd.loop.run(7.0)
    assert one.told == [(0.0, "gpu-1"), (6.0, "gpu-1")]


def test_the_scaler_is_poked_by_those_who_wait() -> None:
    sd = driver("gpu-1")
    pokes: list[int] = []
    sd.on_wait = lambda: pokes.append(sd.pool.demand)
    for _ in range(3):
        Patient(sd)
    assert pokes == [2, 3]


def test_each_fact_is_seen_with_its_decisions() -> None:
    sd = driver("gpu-1")
    seen: list[tuple[list[Decision], float]] = []
    sd.saw = lambda decisions, now: seen.append((decisions, now))
    one = Patient(sd)
    sd.stop()
    assert seen == [([Granted(one.ticket, sd.pool.backends["gpu-1"])], 0.0), ([], 0.0)]
    assert Patient(sd).told == [(0.0, Reason.STOPPING)]
