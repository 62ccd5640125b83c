"""Two clocks, three deadlines, and what one may expect."""

from __future__ import annotations

import math

from gateway.core.line.deadlines import Deadlines, TwoClocks
from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.decisions import Reason
from gateway.core.records.lanes import Lane


def test_exactly_one_clock_runs() -> None:
    clocks = TwoClocks(now=100.0)
    assert (clocks.cold(110), clocks.warm(110)) == (10, 0)
    clocks.switch(False, 110)
    clocks.switch(False, 115)
    assert (clocks.cold(130), clocks.warm(130)) == (10, 20)
    clocks.switch(True, 130)
    assert (clocks.cold(131), clocks.warm(131)) == (11, 20)


class Waiting:
    """Tickets with a cold timeout of 60 s and a warm one of 30 s."""

    def __init__(self) -> None:
        self.patience = Deadlines(now=0.0)
        self.names: dict[Ticket, str] = {}

    def ticket(self, name: str, now: float, own: float = math.inf) -> Ticket:
        ticket = Ticket(Lane.COUNTED, patience=own)
        self.names[ticket] = name
        self.patience.set_deadlines(ticket, 60.0, 30.0, now)
        self.patience.watch(ticket)
        return ticket

    def expired(self, now: float) -> list[tuple[str, Reason]]:
        return [(self.names[ticket], reason) for ticket, reason in self.patience.expired(now)]


def test_the_cold_deadline_does_not_come_nearer_while_it_is_warm() -> None:
    line = Waiting()
    line.ticket("a", now=0)
    assert line.patience.next_at(0) == 60
    line.patience.clocks.switch(False, 10)
    assert line.patience.next_at(10) == 40, "thirty warm seconds from here"
    line.patience.clocks.switch(True, 30)
    assert line.patience.next_at(30) == 80, "fifty cold ones are left"
    assert line.expired(79.9) == []
    assert line.expired(80) == [("a", Reason.NOTHING_CAME_UP)]


def test_each_deadline_has_its_reason_and_a_ticket_only_one_end() -> None:
    line = Waiting()
    line.ticket("impatient", now=0, own=5.0)
    line.ticket("warm", now=0)
    assert line.patience.next_at(0) == 5
    line.patience.clocks.switch(False, 0)
    assert line.expired(100) == [("impatient", Reason.CLIENT_LIMIT), ("warm", Reason.WAITED_TOO_LONG)]
    line.patience.clocks.switch(True, 100)
    assert (line.expired(1000), line.patience.next_at(1000)) == ([], math.inf)


def test_one_who_waits_no_longer_has_no_deadline_until_he_waits_again() -> None:
    line = Waiting()
    ticket = line.ticket("a", now=0, own=7.0)
    line.patience.unwatch(ticket)
    assert (line.expired(100), line.patience.next_at(0)) == ([], math.inf)
    line.patience.watch(ticket)
    assert line.patience.next_at(0) == 7


def test_a_deadline_that_is_over_but_for_rounding_is_over() -> None:
    for seventh in range(1, 20):  # of these, the 4th, the 13th and the 16th do not come out to the last bit
        line = Waiting()
        line.patience.clocks.switch(False, seventh / 7)
        line.patience.clocks.switch(True, seventh / 3)
        line.ticket("a", now := seventh / 3 + seventh / 11)
        assert line.expired(line.patience.next_at(now)) == [("a", Reason.NOTHING_CAME_UP)]
