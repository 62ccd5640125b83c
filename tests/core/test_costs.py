"""What a grant and a cancel cost, counted in bytecode instructions: the same on every machine and on every day.

The heaps' comparisons happen in C, where nothing counts them; they are counted apart, by keys that do it themselves.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.keyed_heap import KeyedHeap
from gateway.core.policy import Balancing, Policy
from gateway.core.pool import Pool
from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.decisions import Decision, Ending, Granted
from gateway.core.records.lanes import Lane, ModelNeed, WhenBusy
from gateway.core.records.listed import Listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

#: So many times as much may it cost where there are a hundred or a thousand times as many.
RATIO = 3


class Crowd:
    """A pool whose backends are all at work, and before it a line: unbound, bound and free to spill, a third each."""

    def __init__(
        self,
        *,
        backends: int,
        tickets: int,
        balancing: Balancing = Balancing.FEWEST_SESSIONS,
        switch_cost: float = 0.0,
    ) -> None:
        policy = Policy(line_limit=1_000_000, balancing=balancing, model_switch_cost=switch_cost)
        self.pool = Pool("crowd", policy, 0.0)
        self.now = 0.0
        self.homes = [f"gpu-{number}" for number in range(backends)]
        self.working: dict[Ticket, None] = {}
        self.waiting: dict[Ticket, None] = {}
        self.arrived = 0
        self.pool.replace_backends([Listed(name, f"{name}:1", name, ready=True) for name in self.homes], self.now)
        for _ in range(backends + tickets):
            self.arrive()

    def grant(self) -> None:
        """The one who has worked longest is done, the next has his turn, and somebody joins the line."""
        done = next(iter(self.working))
        del self.working[done]
        self._hear(self.pool.leave(done, self._later(), Ending.SERVED))
        self.arrive()

    def cancel(self) -> None:
        """One leaves from the middle of the line, and somebody joins it."""
        gone = list(self.waiting)[len(self.waiting) // 2]
        del self.waiting[gone]
        self._hear(self.pool.leave(gone, self._later(), Ending.CLIENT_LEFT_WAITING))
        self.arrive()

    def arrive(self) -> None:
        self.arrived += 1
        home = self.homes[self.arrived % len(self.homes)] if self.arrived % 3 else None
        when_busy = WhenBusy.SPILL if self.arrived % 3 == 1 else WhenBusy.WAIT
        need = ModelNeed(f"m{self.arrived % 7}")
        ticket = Ticket(Lane.COUNTED, home and f"s{self.arrived}", home, home is not None, when_busy, need=need)
        self.waiting[ticket] = None
        self._hear(self.pool.arrive(ticket, self._later()))

    def passes(self) -> None:
        """Several of each: heaps tidy up now and then, and that belongs on the bill."""
        for _ in range(5):
            self.grant()
            self.cancel()

    def heaps(self) -> Iterator[KeyedHeap[Any]]:
        for owner in (self.pool._line, self.pool._availability, self.pool._deadlines):
            yield from (heap for heap in vars(owner).values() if isinstance(heap, KeyedHeap))
        yield from (backend.line for backend in self.pool.backends.values())

    def _later(self) -> float:
        self.now += 0.001
        return self.now

    def _hear(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, Granted):
                del self.waiting[decision.ticket]
                self.working[decision.ticket] = None
        self.pool.next_event(self.now)  # what the driver asks after each fact


def cost(**crowd: Any) -> int:
    """Bytecode instructions of a few passes, in whatever they call."""
    made = Crowd(**crowd)
    made.passes()  # the first overtaking begins everybody's window: once for each request
    return instructions(made.passes)


def instructions(work: Callable[[], None]) -> int:
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()  # coverage's
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def test_a_grant_and_a_cancel_cost_the_same_in_a_line_of_ten_thousand() -> None:
    ten, thousand, ten_thousand = (cost(backends=10, tickets=tickets) for tickets in (10, 1_000, 10_000))
    assert max(thousand, ten_thousand) <= RATIO * ten


@pytest.mark.parametrize("balancing", Balancing)
def test_a_grant_and_a_cancel_cost_the_same_before_a_thousand_backends(balancing: Balancing) -> None:
    ten, thousand = (cost(backends=backends, tickets=1_000, balancing=balancing) for backends in (10, 1_000))
    assert thousand <= RATIO * ten


def test_nor_where_models_matter() -> None:
    ten, line, pods = (
        cost(backends=backends, tickets=tickets, switch_cost=20.0)
        for backends, tickets in [(10, 10), (10, 10_000), (1_000, 1_000)]
    )
    assert max(line, pods) <= RATIO * ten


class CountedKey:
    """A number that counts how often it is compared."""

    compared = 0

    def __init__(self, number: int) -> None:
        self.number = number

    def __lt__(self, other: CountedKey) -> bool:
        CountedKey.compared += 1
        return self.number < other.number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CountedKey) and self.number == other.number

    __hash__ = None  # type: ignore[assignment]  # keys are compared, never looked up


def comparisons(members: int) -> float:
    """Of a newcomer, a departure from the middle and one from the top, on average over many."""
    heap: KeyedHeap[int] = KeyedHeap()
    for number in range(members):
        heap.put(number, CountedKey(number))
    CountedKey.compared, rounds = 0, 1_000
    for number in range(members, members + rounds):
        for newcomer in (number, -number):
            heap.put(newcomer, CountedKey(2 * number))
        heap.discard(number - members // 2)
        first = heap.first()
        assert first is not None
        heap.discard(first)
    return CountedKey.compared / rounds


def test_a_heap_of_ten_thousand_compares_hardly_more_than_one_of_ten() -> None:
    assert comparisons(10_000) <= RATIO * comparisons(10)


def test_memory_follows_the_members_and_not_the_traffic() -> None:
    crowd = Crowd(backends=10, tickets=20)
    while crowd.arrived < 8_000:
        crowd.passes()
    assert (len(crowd.pool.backends), crowd.pool.waiting) == (10, len(crowd.waiting))
    for heap in crowd.heaps():
        assert len(heap._heap) <= 2 * len(heap) + 65, "one more than the dead that are tolerated"
